"""The matrices of a sequence of domains: on the console, as files, and on the dashboard."""

from __future__ import annotations

import math
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from goodsam_pl.callbacks.logged_pictures import log_pictures
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.metrics import TaskMatrix
from goodsam_pl.modules.continual import (
    ContinualSequence,
    MixtureOfAdapters,
    SequenceScores,
    save_routed,
)
from goodsam_pl.views.matrix_table import heat_map, matrix_csv, matrix_markdown, summary_markdown
from goodsam_pl.views.pictures import png_bytes
from goodsam_pl.views.stages import Panel

__all__ = ["SequenceTables"]

_SCORES = {"iou": "IoU", "boundary_iou": "boundary IoU"}
_SHARES = {
    "routed": "Images that went to their own domain",
    "fallback": "Images left to plain SAM",
}


class SequenceTables(Callback):
    """Writes what is measured of a sequence into the run's folder, after each task.

    ``iou.csv`` and ``boundary_iou.csv`` have the matrices A[t][i], ``iou.png`` and
    ``boundary_iou.png`` are their heat maps, ``sequence.md`` has all of them with Last, Avg,
    forgetting, AA, FM and FT. ``routed.csv`` and ``fallback.csv`` have the shares of images that
    went to their own domain and that were left to plain SAM, where a method chooses. Scores go to
    every logger, heat maps to W&B and to those that take pictures as TensorBoard does. After the
    last task ``adapters.safetensors`` has what a mixture of adapters learned, see
    :func:`~goodsam_pl.modules.continual.save_routed`.

    The module has to be a :class:`~goodsam_pl.modules.continual.ContinualSequence`.
    """

    def __init__(self) -> None:
        self._directory = Path()
        self._written: int | None = None

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the run's folder."""
        _sequence(pl_module)
        self._directory = run_directory(trainer)

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what the epoch before has ended."""
        self._write(trainer, _sequence(pl_module))

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what the last epoch has ended, and show the scores."""
        module = _sequence(pl_module)
        self._write(trainer, module)
        if module.ended and trainer.is_global_zero:
            method, dry = module.method, trainer.fast_dev_run  # type: ignore[attr-defined]
            if isinstance(method, MixtureOfAdapters) and module.ended == module.tasks and not dry:
                save_routed(method.routed, self._directory / "adapters.safetensors")
            print(summary_markdown(_of_masks(module.scores)), end="", flush=True)

    def _write(self, trainer: Trainer, module: ContinualSequence) -> None:
        dry = trainer.fast_dev_run  # type: ignore[attr-defined]  # set by a connector
        if module.ended in {0, self._written} or not trainer.is_global_zero or dry:
            return
        self._written = module.ended
        scores = module.scores
        for name, matrix in scores.matrices().items():
            if name in _SCORES or _is_measured(matrix):
                write_atomically(self._directory / f"{name}.csv", matrix_csv(matrix).encode())
            if name in _SCORES:
                caption = f"{_SCORES[name]} after each task, in percent"
                picture = heat_map(matrix, caption)
                write_atomically(self._directory / f"{name}.png", png_bytes(picture))
                log_pictures(trainer, f"sequence/{name}", [Panel(caption, picture)])
        write_atomically(self._directory / "sequence.md", _page(scores).encode())
        told = {
            f"sequence/{name}/{key}": score
            for name in _SCORES
            for key, score in scores.matrices()[name].summary().items()
            if not math.isnan(score)
        }
        for logger in trainer.loggers:
            logger.log_metrics(told, step=trainer.global_step)


def _sequence(module: LightningModule) -> ContinualSequence:
    if not isinstance(module, ContinualSequence):
        raise TypeError(
            f"SequenceTables writes of a ContinualSequence, not of {type(module).__name__}: leave "
            "it out of trainer.callbacks"
        )
    return module


def _of_masks(scores: SequenceScores) -> dict[str, TaskMatrix]:
    return {told: scores.matrices()[name] for name, told in _SCORES.items()}


def _is_measured(matrix: TaskMatrix) -> bool:
    return any(not math.isnan(score) for row in matrix.values for score in row)


def _page(scores: SequenceScores) -> str:
    parts = [summary_markdown(_of_masks(scores))]
    parts += [f"{name}\n\n{matrix_markdown(matrix)}" for name, matrix in _of_masks(scores).items()]
    for name, told in _SHARES.items():
        matrix = scores.matrices()[name]
        if _is_measured(matrix):
            # forgetting and the like say nothing of shares
            table = matrix_markdown(matrix).rsplit("\n\n", 1)[0]
            parts.append(f"{told}\n\n{table}\n")
    return "\n".join(parts)
