"""Which class was taken for which, and a bar for each class, on the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from goodsam_pl.callbacks.dashboard import wandb_loggers
from goodsam_pl.callbacks.logged_pictures import log_pictures
from goodsam_pl.callbacks.protocols import ScoredModule, check_scored, scored_in
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.metrics import SegmentationScores
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.class_pictures import OTHER, class_bars, confusion_picture
from goodsam_pl.views.pictures import contact_sheet, png_bytes
from goodsam_pl.views.stages import Panel

__all__ = ["ScorePictures"]

_COLUMNS = ["Actual", "Predicted", "nPredictions"]
"""As W&B's own chart of a confusion matrix has them."""


class ScorePictures(Callback):
    """Draws the confusion matrix and the IoU of each class after each validation and test.

    ``val/confusion`` and ``val/class_bars`` (or ``test/…``) have a picture for each kind of
    prediction. W&B gets them, and so does a logger that takes pictures as TensorBoard does. Without
    such a logger they lie in the run's folder, the last ones, as ``val_confusion.png`` and
    ``val_class_bars.png``.

    W&B gets the pixels behind them as well, as its own chart of a confusion matrix:
    ``val/confusion_counts``, of further kinds ``val/confusion_counts_<kind>``. It has the numbers
    of each cell at hand, and any number of runs side by side.

    The module has to follow :class:`~goodsam_pl.callbacks.ScoredModule`.
    """

    def __init__(self) -> None:
        self._directory = Path()

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the run's folder, in all processes."""
        check_scored(pl_module, self)
        self._directory = run_directory(trainer)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the scores of the validation set."""
        if not trainer.sanity_checking:
            self._draw("val", trainer, check_scored(pl_module, self))

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the scores of the test set."""
        self._draw("test", trainer, check_scored(pl_module, self))

    def _draw(self, stage: str, trainer: Trainer, module: ScoredModule) -> None:
        trial = trainer.fast_dev_run  # type: ignore[attr-defined]  # set by a connector
        if trial or not trainer.is_global_zero or not module.latest_scores:
            return
        taxonomy = scored_in(module)
        for name, draw in (("confusion", confusion_picture), ("class_bars", class_bars)):
            panels = [
                Panel(kind, draw(scores, taxonomy, f"{stage}, {kind}, {taxonomy.name}"))
                for kind, scores in module.latest_scores.items()
            ]
            if not log_pictures(trainer, f"{stage}/{name}", panels):
                path = self._directory / f"{stage}_{name}.png"
                write_atomically(path, png_bytes(contact_sheet([panels])))
        for position, (kind, scores) in enumerate(module.latest_scores.items()):
            suffix = f"_{kind}" if position else ""
            key = f"{stage}/confusion_counts{suffix}"
            for logger in wandb_loggers(trainer):
                chart = _chart(scores, taxonomy, f"{stage}, {kind}: pixels")
                logger.log_metrics({key: chart}, trainer.global_step)


def _chart(scores: SegmentationScores, taxonomy: Taxonomy, title: str) -> Any:
    """W&B's own chart; ``wandb.plot.confusion_matrix`` would want a row for each pixel."""
    import wandb  # noqa: PLC0415  # more than a second, and a run with such a logger has it

    columns = [*taxonomy.classes, OTHER][: scores.confusion.shape[1]]
    rows = [
        [actual, predicted, count]
        for actual, counts in zip(taxonomy.classes, scores.confusion.tolist(), strict=True)
        for predicted, count in zip(columns, counts, strict=True)
    ]
    return wandb.plot_table(
        "wandb/confusion_matrix/v1",
        wandb.Table(_COLUMNS, rows),
        {name: name for name in _COLUMNS},
        {"title": title},
        split_table=True,  # its rows are no table that anybody reads
    )
