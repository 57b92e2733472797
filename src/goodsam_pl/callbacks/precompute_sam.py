"""Compute masks before training, once: what is stored is never computed again."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Literal, Protocol, TypeVar, cast, runtime_checkable

import lightning.pytorch as pl
import torch.distributed as dist
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.seed import isolate_rng
from torch import Tensor

from goodsam_pl.files.processes import learn_together
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.known_quality import known_quality, total_known
from goodsam_pl.masks.precomputation import (
    MissingMasksError,
    PrecomputeReport,
    failure_report,
    precompute_masks,
    share,
    shares_of_others,
)
from goodsam_pl.masks.proposer import MaskProposer
from goodsam_pl.masks.store import MaskStore
from goodsam_pl.sam.panorama_generator import for_mode

__all__ = ["PanoramaSource", "PrecomputeSAM"]

log = logging.getLogger(__name__)

Shared = TypeVar("Shared")
Stage = Literal["fit", "validate", "test", "predict"]


@runtime_checkable
class PanoramaSource(Protocol):
    """What :class:`PrecomputeSAM` asks of a LightningDataModule."""

    mask_windows: WindowGrid
    """The grid that SAM looks through."""
    view: dict[str, float]
    """Which part of the sphere the panoramas show, angles in degrees by name."""
    mask_root: Path | None
    """Folder of the mask store; ``None`` if training uses no masks."""

    def panorama_files(self, stage: Stage) -> list[Path]:
        """The panoramas of a stage whose masks will be asked for."""
        ...

    def read_panorama(self, path: Path) -> Tensor:
        """Decoded and resized exactly as training sees it: ``(3, H, W)`` uint8, RGB."""
        ...

    def leave_out(self, files: Collection[Path]) -> None:
        """Go on without these panoramas; every process is told the same."""
        ...


class PrecomputeSAM(pl.Callback):
    """Computes the masks of all panoramas of a stage before it starts.

    Masks go to the ``mask_root`` of the LightningDataModule, any that is a
    :class:`PanoramaSource`. Of several processes each does its share, and then
    helps the slower ones. A second run finds everything
    stored and loads no weights; damaged records are named and computed anew.

    Args:
        proposer: finds the masks.
        mode: ``"panorama"`` makes one set of masks for each panorama, joined across windows;
            ``"quick"`` likewise in less time, asking only where no mask explains a point
            yet; ``"window"`` makes one set for each window, as SAM's own generator would.
        on_error: ``"raise"`` stops the run if panoramas have no masks, after all others are done;
            ``"skip"`` goes on without these panoramas, in all processes; both name the files.
        keep_logits: also store low-resolution logits, for other thresholds. They take up most of
            the room; training does not read them.
        report: tell, at each stage, what is known of its masks without labels, see
            :class:`goodsam_pl.masks.known_quality.KnownQuality`: a line, and metrics of the loggers
            under ``masks/``. Every record is read for it.
    """

    def __init__(
        self,
        proposer: MaskProposer,
        mode: Literal["panorama", "quick", "window"] = "panorama",
        on_error: Literal["raise", "skip"] = "raise",
        keep_logits: bool = True,
        report: bool = False,
    ) -> None:
        self.proposer = proposer
        self.mode = mode
        self.on_error = on_error
        self.keep_logits = keep_logits
        self.report = report

    @isolate_rng()  # loading SAM draws numbers: training must not tell whether it was needed
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Called by Lightning at the beginning of each stage, after the data's own ``setup``.

        Raises:
            TypeError: the LightningDataModule offers no panoramas.
            ValueError: it has no ``mask_root``, or the store there is of other masks.
            MissingMasksError: panoramas could not be read, or no masks found for them.
        """
        source, root = _panorama_source(trainer)
        files = list(dict.fromkeys(source.panorama_files(cast("Stage", stage))))
        if not files:
            return
        proposer, store = self.open_store(source, root)
        learn_together(store.keys, files)
        proposer.to(trainer.strategy.root_device)
        report = precompute_masks(
            share(files, trainer.global_rank, trainer.world_size),
            source.read_panorama,
            proposer,
            store,
            others=shares_of_others(files, trainer.global_rank, trainer.world_size),
            show_progress=trainer.is_global_zero,
        )
        proposer.to("cpu")
        trainer.strategy.barrier("goodsam_pl.callbacks.PrecomputeSAM")
        computed, failed = _of_all_processes(report)
        if failed and self.on_error == "raise":
            cause = next(iter(report.failed.values()), None)
            raise MissingMasksError(failure_report(failed)) from cause
        if failed:
            source.leave_out(failed)
            if trainer.is_global_zero:
                log.warning("going on without %s", failure_report(failed))
        rank_zero_info(_summary(computed, len(files) - len(failed) - computed, store))
        if self.report:
            _tell([file for file in files if file not in failed], store, trainer)

    def open_store(self, source: PanoramaSource, root: Path) -> tuple[MaskProposer, MaskStore]:
        """Who makes the masks, and the store at a folder that takes them, made if it is not there.

        Raises:
            MaskStoreError: the folder holds masks of other windows or another proposer.
        """
        proposer, windows = for_mode(self.mode, self.proposer, source.mask_windows)
        store = MaskStore.create(root, windows, proposer, source.view, logits=self.keep_logits)
        return proposer, store


def _panorama_source(trainer: pl.Trainer) -> tuple[PanoramaSource, Path]:
    # the Trainer's attribute exists only when there is a LightningDataModule
    source = getattr(trainer, "datamodule", None)
    if not isinstance(source, PanoramaSource):
        raise TypeError(
            f"PrecomputeSAM needs panoramas, but data is {type(source).__name__}: "
            "use goodsam_pl.data.PanoramaDataModule, or remove the callback"
        )
    if source.mask_root is None:
        raise ValueError(
            "PrecomputeSAM has nowhere to put masks: set mask_root of the data, "
            "or remove the callback"
        )
    return source, source.mask_root


def _of_all_processes(report: PrecomputeReport) -> tuple[int, dict[Path, str]]:
    """How many panoramas were computed, and what is wrong with the others, in every process."""
    own = report.computed, {path: str(error) for path, error in report.failed.items()}
    shares = _gather(own)
    failed = {path: reason for _, part in shares for path, reason in part.items()}
    return sum(computed for computed, _ in shares), dict(sorted(failed.items()))


def _tell(files: list[Path], store: MaskStore, trainer: pl.Trainer) -> None:
    """Say what is known of the masks of a stage; each process reads its share of them."""
    keys = (store.keys(file) for file in share(files, trainer.global_rank, trainer.world_size))
    known = total_known(_gather(total_known(known_quality(store.read(key)) for key in keys)))
    rank_zero_info(f"SAM masks: {known}")
    for logger in trainer.loggers:
        logger.log_metrics({f"masks/{name}": value for name, value in known.as_dict().items()}, 0)


def _gather(own: Shared) -> list[Shared]:
    """What each of all processes has, in every process."""
    shares = [own]
    if dist.is_available() and dist.is_initialized():
        shares = shares * dist.get_world_size()
        dist.all_gather_object(shares, own)
    return shares


def _summary(computed: int, present: int, store: MaskStore) -> str:
    if computed == 0:
        return f"SAM masks: all {present} panoramas have theirs in {store.root}"
    return f"SAM masks: {computed} panoramas computed, {present} had theirs already in {store.root}"
