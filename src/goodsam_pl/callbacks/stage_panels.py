"""The stages of the method on a few panoramas, drawn at each validation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.loggers import WandbLogger
from PIL import Image
from torch import nn
from typing_extensions import override

from goodsam_pl.atomic import write_atomically
from goodsam_pl.callbacks.pictures import contact_sheet
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.callbacks.stages import FusingModule, Stages, is_fusing, observe
from goodsam_pl.data import PanoramaBatch, PanoramaDataModule

__all__ = ["StagePanels"]


class StagePanels(pl.Callback):
    """Shows what TA, SAM, their fusion and the student say of a few panoramas, as training goes on.

    From the panorama over SAM's masks, the windowed teacher assistant, the fused labels E, the
    weights M and E_H to the student, with the ground truth and where E differs from the teacher
    assistant, as far as there is each of them. W&B gets ``stages/<name>``, a row of captioned
    pictures for each panorama; the first carries the label maps as overlays with class names. Other
    loggers, or none, leave ``stages/<name>/<step>.png`` in the run's folder.

    Works for TARectification and StudentDistillation on a PanoramaDataModule. The first process
    alone looks at the panoramas, and at no more than ``panoramas`` of them.

    Args:
        panoramas: how many, evenly spread over the split.
        every_n_validations: 1 draws at each, the first included.
        split: whose panoramas. ``auto`` prefers the stages to the ground truth: it takes ``val``
            where its panoramas come with masks (``data.mask_splits``), else ``train`` where those
            do, which has no ground truth, else ``val`` without masks and fusion.

    Raises:
        ValueError: a number below 1.
    """

    def __init__(
        self,
        panoramas: int = 2,
        every_n_validations: int = 1,
        split: Literal["auto", "val", "train"] = "auto",
    ) -> None:
        for name, value in (("panoramas", panoramas), ("every_n_validations", every_n_validations)):
            if value < 1:
                raise ValueError(f"{name} is {value}: choose at least 1, or leave StagePanels out")
        self.panoramas = panoramas
        self.every_n_validations = every_n_validations
        self.split = split
        self._validations = 0
        self._batches: list[PanoramaBatch] = []
        self._directory = Path()

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Find the run's folder, in all processes.

        Raises:
            TypeError: the model has no teacher assistant, or the data no panoramas.
        """
        if stage in {"fit", "validate"}:
            _check(trainer, pl_module)
            self._directory = run_directory(trainer)

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw."""
        trial = trainer.sanity_checking or trainer.fast_dev_run  # type: ignore[attr-defined]  # set by a connector
        if trial or not trainer.is_global_zero:
            return
        self._validations += 1
        if (self._validations - 1) % self.every_n_validations:
            return
        module, data = _check(trainer, pl_module)
        self._batches = self._batches or data.examples(self._role(data), self.panoramas)
        student: nn.Module | None = getattr(module, "student", None)
        for batch in self._batches:
            with trainer.precision_plugin.forward_context():
                stages = observe(
                    batch.to(pl_module.device), module, student, data.evaluation_taxonomy
                )
            self._show(batch.names[0], stages, trainer)

    def _role(self, data: PanoramaDataModule) -> Literal["val", "train"]:
        if self.split != "auto":
            return self.split
        return "train" if data.has_masks("train") and not data.has_masks("val") else "val"

    def _show(self, name: str, stages: Stages, trainer: pl.Trainer) -> None:
        dashboards = [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
        for logger in dashboards:
            _log(logger, f"stages/{name}", stages, trainer.global_step)
        if not dashboards:
            content = io.BytesIO()
            Image.fromarray(contact_sheet([stages.panels()])).save(content, format="PNG")
            path = self._directory / "stages" / name / f"{trainer.global_step:06d}.png"
            write_atomically(path, content.getvalue())


def _check(
    trainer: pl.Trainer, module: pl.LightningModule
) -> tuple[FusingModule, PanoramaDataModule]:
    data = getattr(trainer, "datamodule", None)
    if not isinstance(data, PanoramaDataModule) or not is_fusing(module):
        raise TypeError(
            "StagePanels works for TARectification and StudentDistillation on a "
            f"PanoramaDataModule, here are {type(module).__name__} and {type(data).__name__}: "
            "remove the callback"
        )
    return module, data


def _log(logger: WandbLogger, key: str, stages: Stages, step: int) -> None:
    panels = stages.panels()
    overlays: list[dict[str, Any] | None] = [_overlays(stages), *[None] * (len(panels) - 1)]
    pictures: list[Any] = [panel.picture for panel in panels]
    captions = [panel.caption for panel in panels]
    logger.log_image(key, pictures, step, caption=captions, masks=overlays)


def _overlays(stages: Stages) -> dict[str, Any]:
    """The label maps as W&B's switchable masks, with the names of the classes."""
    names = dict(enumerate(stages.taxonomy.classes))
    names[stages.taxonomy.ignore_index] = "void"
    return {
        caption: {"mask_data": labels.cpu().numpy(), "class_labels": names}
        for caption, labels in stages.labels.items()
    }
