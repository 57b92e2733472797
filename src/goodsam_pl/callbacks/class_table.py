"""The IoU of every class, on the console and as a file."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console
from rich.table import Table
from typing_extensions import override

from goodsam_pl.atomic import write_atomically
from goodsam_pl.callbacks.protocols import ScoredModule, check_scored
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.metrics import SegmentationScores

__all__ = ["ClassTable"]


class ClassTable(Callback):
    """Prints per-class IoU after ``validate`` and ``test`` and writes it to the run's folder.

    The files are ``val_classes.csv`` and ``test_classes.csv``: one row a class with its labelled
    pixels and IoU as a fraction of 1 (``nan`` when the class is absent), then the mean over the
    classes that are not. Further kinds of prediction get columns of their own
    (``iou_windowed``, …), as in the names that are logged.

    The module has to follow :class:`~goodsam_pl.callbacks.ScoredModule`.

    Args:
        while_fitting: print the table after each validation of ``fit`` as well. The file is
            written in any case.
    """

    def __init__(self, while_fitting: bool = False) -> None:
        self.while_fitting = while_fitting
        self._directory = Path()

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the run's folder, in all processes."""
        check_scored(pl_module, self)
        self._directory = run_directory(trainer)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the scores of the validation set."""
        if not trainer.sanity_checking:
            aloud = self.while_fitting or trainer.state.fn != TrainerFn.FITTING
            self._show("val", trainer, check_scored(pl_module, self), aloud)

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the scores of the test set."""
        self._show("test", trainer, check_scored(pl_module, self), aloud=True)

    def _show(self, stage: str, trainer: Trainer, module: ScoredModule, aloud: bool) -> None:
        scores = module.latest_scores
        if not trainer.is_global_zero or not scores:
            return
        classes = module.taxonomy.classes
        for value in scores.values():
            value.check_names(classes)
        if aloud:
            Console().print(_as_table(stage, classes, scores))
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]  # set by a connector
            path = self._directory / f"{stage}_classes.csv"
            write_atomically(path, _as_csv(classes, scores).encode())


def _as_table(stage: str, classes: tuple[str, ...], scores: dict[str, SegmentationScores]) -> Table:
    table = Table("class", title=f"{stage}: IoU in percent")
    table.add_column("pixels", justify="right")
    for kind in scores:
        table.add_column(kind, justify="right")
    pixels = _labelled_pixels(scores)
    for index, name in enumerate(classes):
        row = [_percent(score.iou[index].item()) for score in scores.values()]
        table.add_row(name, f"{pixels[index]:,}", *row)
    table.add_section()
    means = [_percent(score.miou.item()) for score in scores.values()]
    table.add_row("mean", f"{sum(pixels):,}", *means, style="bold")
    accuracies = [_percent(score.pixel_accuracy.item()) for score in scores.values()]
    table.add_row("pixel accuracy", "", *accuracies)
    return table


def _as_csv(classes: tuple[str, ...], scores: dict[str, SegmentationScores]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    others = list(scores)[1:]
    writer.writerow(["class", "pixels", "iou", *(f"iou_{kind}" for kind in others)])
    pixels = _labelled_pixels(scores)
    for index, name in enumerate(classes):
        row = [score.iou[index].item() for score in scores.values()]
        writer.writerow([name, pixels[index], *row])
    writer.writerow(["mean", sum(pixels), *(score.miou.item() for score in scores.values())])
    return text.getvalue()


def _labelled_pixels(scores: dict[str, SegmentationScores]) -> list[int]:
    """Labelled pixels of each class; all kinds of prediction meet the same labels."""
    pixels: list[int] = next(iter(scores.values())).pixels.tolist()
    return pixels


def _percent(fraction: float) -> str:
    return "–" if math.isnan(fraction) else f"{100 * fraction:.1f}"
