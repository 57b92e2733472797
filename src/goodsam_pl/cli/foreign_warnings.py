"""What our dependencies say that a user can do nothing about."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

import wandb
from wandb.errors.term import termsetup

import goodsam_pl

__all__ = ["hush", "hush_moved_checkpoint"]

_NOISE = (
    r".*isinstance\(treespec, LeafSpec\)",  # Lightning's own use of PyTorch
    r".*Precision bf16-mixed is not supported by the model summary",  # of its estimate of size
    # panoramas without labels for validation, or nothing left to predict
    r".*Total length of `(list|DataLoader|CombinedLoader)` across ranks is zero",
    r".*does not have many workers",  # the presets say why
    r".*your dataloader is not resumable",  # the data modules keep what Lightning asks loaders for
    r"\s*Dump of a value that does not round-trip: a tuple",  # defaults of albumentations
    r".*The number of training batches .* is smaller than the logging interval",  # short runs
    r".*Checkpoint directory .* exists and is not empty",  # the presets say where
)
_TALK = (
    "lightning.pytorch.utilities.rank_zero",  # devices it does not use, tips, why it stopped
    "lightning.fabric.utilities.rank_zero",
    "lightning.fabric.utilities.seed",
    "lightning.pytorch.accelerators.cuda",
)


def hush() -> None:
    """Leave it out from now on; ``GOODSAM_DEBUG=1`` brings it back."""
    if os.environ.get("GOODSAM_DEBUG"):
        return
    for message in _NOISE:
        warnings.filterwarnings("ignore", message=message)
    for name in _TALK:
        logging.getLogger(name).addFilter(_is_worth_saying)  # the same function is added once
    os.environ.setdefault("WANDB_SILENT", "true")
    # what it says before it reads that
    termsetup(wandb.Settings(silent=os.environ["WANDB_SILENT"] == "true"), None)


def hush_moved_checkpoint() -> None:
    """Leave out that a checkpoint lies elsewhere than its training did: only that would care."""
    if not os.environ.get("GOODSAM_DEBUG"):
        warnings.filterwarnings("ignore", message=r"The dirpath has changed from")


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Warnings, and what our own code says through Lightning's loggers."""
    ours = Path(record.pathname).is_relative_to(Path(goodsam_pl.__file__).parent)
    return ours or record.levelno >= logging.WARNING
