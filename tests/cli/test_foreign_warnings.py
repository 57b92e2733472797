"""Only what a user can do nothing about is left out."""

from __future__ import annotations

import logging
import warnings

import pytest
from lightning.pytorch.utilities import rank_zero

from goodsam_pl.cli import foreign_warnings
from goodsam_pl.cli.foreign_warnings import hush
from goodsam_pl.modules import base


def test_known_noise_is_left_out_and_nothing_else():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        hush()
        warnings.warn("Found 3 module(s) in eval mode at the start of training.", stacklevel=1)
        warnings.warn("`isinstance(treespec, LeafSpec)` is deprecated", stacklevel=1)
        warnings.warn("Precision bf16-mixed is not supported by the model summary.", stacklevel=1)
        warnings.warn("your label has no pixels", stacklevel=1)
    # frozen networks are spared where they are known, see goodsam_pl.networks.begin_training
    assert [str(each.message) for each in heard] == [
        "Found 3 module(s) in eval mode at the start of training.",
        "your label has no pixels",
    ]


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "")
    yield
    for name in foreign_warnings._TALK:
        logging.getLogger(name).removeFilter(foreign_warnings._is_worth_saying)


def test_lightning_and_wandb_are_quiet_unless_asked(monkeypatch):
    monkeypatch.delenv("WANDB_SILENT")
    monkeypatch.setenv("GOODSAM_DEBUG", "1")
    hush()
    assert _heard(logging.INFO, rank_zero.__file__)
    assert "WANDB_SILENT" not in foreign_warnings.os.environ
    monkeypatch.delenv("GOODSAM_DEBUG")
    hush()
    assert not _heard(logging.INFO, rank_zero.__file__)
    assert _heard(logging.WARNING, rank_zero.__file__)
    assert _heard(logging.INFO, base.__file__)  # what our code says through Lightning's logger
    assert foreign_warnings.os.environ["WANDB_SILENT"] == "true"


def _heard(level, file):
    record = logging.LogRecord(foreign_warnings._TALK[0], level, file, 1, "said", (), None)
    return bool(logging.getLogger(foreign_warnings._TALK[0]).filter(record))
