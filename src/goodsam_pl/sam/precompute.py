"""Compute masks before training, once: what is stored is never computed again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast, runtime_checkable

import lightning.pytorch as pl
from lightning.pytorch.utilities import rank_zero_info
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam.proposer import MaskProposer
from goodsam_pl.sam.store import MaskStore, image_key

__all__ = ["PanoramaSource", "PrecomputeReport", "PrecomputeSAM", "precompute_masks"]

log = logging.getLogger(__name__)

Stage = Literal["fit", "validate", "test", "predict"]


@runtime_checkable
class PanoramaSource(Protocol):
    """What :class:`PrecomputeSAM` asks of a LightningDataModule."""

    windows: WindowGrid
    """The grid of the masks."""
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


class PrecomputeReport(NamedTuple):
    """What :func:`precompute_masks` did.

    Attributes:
        computed: panoramas whose masks were computed and stored.
        present: panoramas whose masks were there already.
        failed: what is wrong with a file that could not be read.
    """

    computed: int
    present: int
    failed: dict[Path, Exception]


def precompute_masks(
    files: Sequence[Path],
    read: Callable[[Path], Tensor],
    proposer: MaskProposer,
    store: MaskStore,
    *,
    show_progress: bool = False,
) -> PrecomputeReport:
    """Store the masks of every panorama that has none yet.

    A file that cannot be read does not stop the others.

    Args:
        files: panoramas.
        read: gives a panorama as ``(3, H, W)`` uint8, RGB.
        proposer: finds the masks.
        store: takes them.
        show_progress: draw a bar with panoramas per second and the time left.
    """
    failed: dict[Path, Exception] = {}
    keys = {path: image_key(path) for path in files}
    missing = {path: key for path, key in keys.items() if key not in store}
    with _progress(len(missing), visible=show_progress) as advance:
        for path, key in missing.items():
            try:
                panorama = read(path)
            except (OSError, ValueError) as error:
                failed[path] = error
            else:
                windows = store.windows.extract(panorama[None])[0]
                store.write(key, path.name, proposer.propose(windows))
            advance()
    return PrecomputeReport(len(missing) - len(failed), len(files) - len(missing), failed)


class PrecomputeSAM(pl.Callback):
    """Computes the masks of all panoramas of a stage before it starts.

    Masks go to the ``mask_root`` of the LightningDataModule, any that is a
    :class:`PanoramaSource`. Of several processes each does its share. A second run finds everything
    stored and loads no weights.

    Args:
        proposer: finds the masks.
        on_error: ``"raise"`` stops the run if panoramas cannot be read, after all others are done;
            ``"skip"`` goes on without them; both name the files.
    """

    def __init__(
        self, proposer: MaskProposer, on_error: Literal["raise", "skip"] = "raise"
    ) -> None:
        self.proposer = proposer
        self.on_error = on_error

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Called by Lightning at the beginning of each stage, after the data's own ``setup``.

        Raises:
            TypeError: the LightningDataModule offers no panoramas.
            ValueError: it has no ``mask_root``, or the store there is of other masks.
            RuntimeError: panoramas could not be read.
        """
        source, root = _panorama_source(trainer)
        files = _unique(source.panorama_files(cast("Stage", stage)))
        if not files:
            return
        store = MaskStore.create(root, source.windows, self.proposer, source.view)
        self.proposer.to(trainer.strategy.root_device)
        report = precompute_masks(
            share(files, trainer.global_rank, trainer.world_size),
            source.read_panorama,
            self.proposer,
            store,
            show_progress=trainer.is_global_zero,
        )
        self.proposer.to("cpu")
        trainer.strategy.barrier("goodsam_pl.sam.PrecomputeSAM")
        if report.failed and self.on_error == "raise":
            raise RuntimeError(_failure(report.failed)) from next(iter(report.failed.values()))
        if report.failed:
            log.warning("going on without masks: %s", _failure(report.failed))
        rank_zero_info(_summary(report, store))


def share(files: Sequence[Path], rank: int, processes: int) -> list[Path]:
    """What one of several processes has to do: every ``processes``-th file from ``rank`` on."""
    return list(files[rank::processes])


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


def _unique(files: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(files))


def _summary(report: PrecomputeReport, store: MaskStore) -> str:
    if report.computed == 0:
        return f"SAM masks: all {report.present} panoramas have theirs in {store.root}"
    return (
        f"SAM masks: {report.computed} panoramas computed, {report.present} had theirs already "
        f"in {store.root}"
    )


def _failure(failed: dict[Path, Exception]) -> str:
    reasons = [f"{path}: {error}" for path, error in failed.items()]
    return "\n".join([f"{len(failed)} panoramas could not be read", *reasons])


@contextmanager
def _progress(total: int, *, visible: bool) -> Iterator[Callable[[], None]]:
    """A bar with panoramas per second and time left; gives the function that moves it on."""
    columns = (
        TextColumn("SAM masks"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not visible or total == 0) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} panoramas/s")
