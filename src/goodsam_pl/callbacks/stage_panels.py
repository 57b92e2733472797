"""The stages of the method on a few panoramas, drawn and measured as training goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from torch import nn
from typing_extensions import override

from goodsam_pl.callbacks.logged_pictures import log_pictures
from goodsam_pl.callbacks.onlooker import looking_on
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.data import (
    AdaptationBatch,
    AdaptationDataModule,
    PanoramaBatch,
    PanoramaDataModule,
)
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.metrics import LabelFreeScores
from goodsam_pl.modules import SelfTraining
from goodsam_pl.networks import FrozenNetwork
from goodsam_pl.views.mixed_stages import MixedStages, mixing_scores, observe_mixing
from goodsam_pl.views.panorama_look import FusingModule, is_fusing
from goodsam_pl.views.pictures import contact_sheet, png_bytes
from goodsam_pl.views.stages import Stages, label_free_scores, observe, observe_student

__all__ = ["StagePanels"]

_TIMES = 10
_STEPS_WITHOUT_END = 200


class StagePanels(pl.Callback):
    """Shows what TA, SAM, their fusion and the student say of a few panoramas, as training goes on.

    From the panorama over SAM's masks, the windowed teacher assistant, the fused labels E, the
    weights M and E_H to the student, with the ground truth and where E differs from the teacher
    assistant. Stages that a run does not have are left out. W&B gets ``stages/<name>``, a row of
    captioned pictures for each panorama; the first carries the label maps as overlays with class
    names. A logger that takes pictures as TensorBoard does gets a sheet of them. Without either
    they lie in the run's folder, as ``stages/<name>/<step>.png``.

    All loggers get what the same panoramas say without labels, as ``label_free/<score>``: see
    :class:`goodsam_pl.metrics.LabelFreeScores`.

    It looks at each validation; in a run without, as on panoramas of one's own, before the first
    step and then by steps; and once more when training ends.

    Of a self-training it shows, in the same way and under the name of the target image, what a step
    makes of a pair: target, pseudo-labels, student, mixed image, its labels and weights, and what
    the system adds (:meth:`goodsam_pl.modules.SelfTraining.shown_maps`). Pairs, crops, pasted
    classes and colours are the same at each look.

    Works for TARectification and StudentDistillation on a PanoramaDataModule, and for SelfTraining
    on an AdaptationDataModule. The first process alone looks at the panoramas, and at no more than
    ``panoramas`` of them. A frozen teacher assistant, which says the same each time, is asked once.
    Training goes on to the bit as it would have without.

    Args:
        panoramas: how many, or pairs of source and target, evenly spread over the split. Two cost
            about as much as a training step at each look, and show whether one is an exception.
        every_n_validations: 1 draws at each, the first included: who validates has time to look.
        split: whose panoramas. ``auto`` prefers the stages to the ground truth: it takes ``val``
            where its panoramas come with masks (``data.mask_splits``), else ``train`` where those
            do, which has no ground truth, else ``val`` without masks and fusion. A self-training
            shows training images in any case.
        every_n_steps: draw every so many optimiser steps as well. ``None`` does so only in runs
            without validation, ten times a run: enough to see a course, too few to slow it down;
            where time alone ends the run, every 200 steps.

    Raises:
        ValueError: a number below 1.
    """

    def __init__(
        self,
        panoramas: int = 2,
        every_n_validations: int = 1,
        split: Literal["auto", "val", "train"] = "auto",
        every_n_steps: int | None = None,
    ) -> None:
        for name, value in (
            ("panoramas", panoramas),
            ("every_n_validations", every_n_validations),
            ("every_n_steps", every_n_steps),
        ):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}: choose at least 1, or leave StagePanels out")
        self.panoramas = panoramas
        self.every_n_validations = every_n_validations
        self.split = split
        self.every_n_steps = every_n_steps
        self._begin()

    def _begin(self) -> None:
        self._validations = 0
        self._interval: int | None = None
        self._shown_at: int | None = None
        self._batches: list[PanoramaBatch] = []
        self._pairs: list[AdaptationBatch] = []
        self._observed: list[Stages] = []
        self._directory = Path()

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Find the run's folder, in all processes.

        Raises:
            TypeError: the model is no system with stages, or the data are not what it learns from.
        """
        if stage in {"fit", "validate"}:
            _check(trainer, pl_module)
            self._begin()
            self._directory = run_directory(trainer)

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw before the first step where steps say when."""
        self._interval = self.every_n_steps or (None if _validates(trainer) else _tenth(trainer))
        if self._interval is not None:
            self._look(trainer, pl_module)

    @override
    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Draw where steps say when."""
        if self._interval is not None and trainer.global_step % self._interval == 0:
            self._look(trainer, pl_module)

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw where validations say when."""
        if trainer.sanity_checking:
            return
        self._validations += 1
        if (self._validations - 1) % self.every_n_validations == 0:
            self._look(trainer, pl_module)

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw what came out."""
        self._look(trainer, pl_module)

    def _look(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw and measure, in the first process, once at each step."""
        trial = trainer.fast_dev_run  # type: ignore[attr-defined]  # set by a connector
        if trial or not trainer.is_global_zero or self._shown_at == trainer.global_step:
            return
        self._shown_at = trainer.global_step
        module, data = _check(trainer, pl_module)
        if isinstance(data, AdaptationDataModule) and "source" not in data.listed:
            return  # validated without training: there is nothing to mix with
        with looking_on(pl_module), trainer.precision_plugin.forward_context():
            observed, scores = self._observe(pl_module, module, data)
        for name, stages in zip(self._names, observed, strict=True):
            self._show(name, stages, trainer)
        logged = scores.as_log(module.taxonomy.classes)
        for logger in trainer.loggers:
            logger.log_metrics(logged, trainer.global_step)

    def _observe(
        self,
        pl_module: pl.LightningModule,
        module: FusingModule | SelfTraining,
        data: PanoramaDataModule | AdaptationDataModule,
    ) -> tuple[Sequence[Stages | MixedStages], LabelFreeScores]:
        if isinstance(module, SelfTraining):
            assert isinstance(data, AdaptationDataModule)  # noqa: S101  # checked with the module
            mixed = self._observe_mixing(module, data)
            return mixed, mixing_scores(mixed)
        assert isinstance(data, PanoramaDataModule)  # noqa: S101  # as above
        observed = self._observe_fusing(pl_module, module, data)
        return observed, label_free_scores(observed)

    def _observe_mixing(
        self, module: SelfTraining, data: AdaptationDataModule
    ) -> list[MixedStages]:
        self._pairs = self._pairs or [
            {
                "source": each["source"].to(module.device),
                "target": each["target"].to(module.device),
            }
            for each in data.examples(self.panoramas)
        ]
        return [observe_mixing(pair, module, seed) for seed, pair in enumerate(self._pairs)]

    def _observe_fusing(
        self, pl_module: pl.LightningModule, module: FusingModule, data: PanoramaDataModule
    ) -> list[Stages]:
        self._batches = self._batches or data.examples(self._role(data), self.panoramas)
        observed = self._observed or [
            observe(batch.to(pl_module.device), module, labels_in=data.evaluation_taxonomy)
            for batch in self._batches
        ]
        if isinstance(module.teacher_assistant, FrozenNetwork):
            self._observed = observed
        student: nn.Module | None = getattr(module, "student", None)
        return (
            observed if student is None else [observe_student(each, student) for each in observed]
        )

    @property
    def _names(self) -> list[str]:
        if self._pairs:
            return [pair["target"].names[0] for pair in self._pairs]
        return [batch.names[0] for batch in self._batches]

    def _role(self, data: PanoramaDataModule) -> Literal["val", "train"]:
        if self.split != "auto":
            return self.split
        return "train" if data.has_masks("train") and not data.has_masks("val") else "val"

    def _show(self, name: str, stages: Stages | MixedStages, trainer: pl.Trainer) -> None:
        panels = stages.panels()
        if not log_pictures(trainer, f"stages/{name}", panels, _overlays(stages)):
            path = self._directory / "stages" / name / f"{trainer.global_step:06d}.png"
            write_atomically(path, png_bytes(contact_sheet([panels])))


def _validates(trainer: pl.Trainer) -> bool:
    """Whether the run has a validation; asked once training has begun."""
    return trainer.enable_validation and sum(trainer.num_val_batches) > 0


def _tenth(trainer: pl.Trainer) -> int:
    steps = trainer.estimated_stepping_batches
    return _STEPS_WITHOUT_END if math.isinf(steps) else max(1, math.ceil(steps / _TIMES))


def _check(
    trainer: pl.Trainer, module: pl.LightningModule
) -> tuple[FusingModule | SelfTraining, PanoramaDataModule | AdaptationDataModule]:
    data = getattr(trainer, "datamodule", None)
    if isinstance(module, SelfTraining) and isinstance(data, AdaptationDataModule):
        return module, data
    if isinstance(data, PanoramaDataModule) and is_fusing(module):
        return module, data
    raise TypeError(
        "StagePanels works for TARectification and StudentDistillation on a PanoramaDataModule, "
        "and for SelfTraining on an AdaptationDataModule, "
        f"here are {type(module).__name__} and {type(data).__name__}: remove the callback"
    )


def _overlays(stages: Stages | MixedStages) -> dict[str, Any]:
    """The label maps as W&B's switchable masks, with the names of the classes."""
    names = dict(enumerate(stages.taxonomy.classes))
    names[stages.taxonomy.ignore_index] = "void"
    return {
        caption: {"mask_data": labels.cpu().numpy(), "class_labels": names}
        for caption, labels in stages.labels.items()
    }
