"""A whole sequence of domains as one training."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Generator, Tensor

from goodsam_pl.data import DomainDataModule
from goodsam_pl.modules.continual.continual_sam import ContinualSAM
from goodsam_pl.modules.continual.domain_tasks import domain_task
from goodsam_pl.modules.continual.kept_embeddings import KeptEmbeddings
from goodsam_pl.modules.continual.method import ContinualMethod, ContinualTask
from goodsam_pl.modules.continual.prompted_batch import AskedImages, PromptedBatch
from goodsam_pl.modules.continual.sequence_scores import SequenceScores, score_domain
from goodsam_pl.networks import evaluating
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["ContinualSequence"]

_STATE = "sequence"


@dataclass
class Best:
    """What was learned in the best epoch of a task so far.

    Attributes:
        iou: of the validation images.
        learned: values by the parameters' names.
    """

    iou: float
    learned: dict[str, Tensor]


class ContinualSequence(ContinualSAM):
    """Trains a method on one domain after another, and scores it after each.

    Task t has the epochs from t · ``epochs`` on. After its last one, what was learned in the epoch
    of the best ``val/iou`` is taken (the last where a domain has no validation images), the method
    ends the task, and all domains so far are scored on their test images. Then the next task
    begins, with a new optimiser. All of that is in the checkpoint, so that a sequence that was
    stopped anywhere goes on by ``--ckpt_path`` and ends as if it had never stopped.

    A method that learns nothing has one empty epoch a task; one that sees all tasks has one task,
    of all domains, and fills the last row of the matrix alone.

    Args:
        method: makes it for the SAM.
        model: name of the SAM, see :class:`goodsam_pl.sam.SegmentAnything`.
        checkpoint: of the SAM; ``None`` takes the usual place.
        epochs: of a task.
        learning_rate: of Adam in each task, without weight decay; CoSAM's 1e-3.
        decay_epochs: after each so many epochs of a task the rate becomes a tenth, as CoSAM has it.
        seed: of what steps and the ends of tasks draw.
        embeddings: folder where answers of the frozen SAM are kept, see
            :class:`goodsam_pl.modules.continual.KeptEmbeddings`; ``None`` keeps none. Those of
            training images are kept where ``data.views`` has no jitter.

    Raises:
        ValueError: no epoch.
    """

    def __init__(
        self,
        method: Callable[[FrozenSam], ContinualMethod],
        model: str = "vit_nano",
        checkpoint: str | None = None,
        epochs: int = 20,
        learning_rate: float = 1e-3,
        decay_epochs: int = 10,
        seed: int = 0,
        embeddings: str | None = None,
    ) -> None:
        if epochs < 1:
            raise ValueError(f"model.epochs is {epochs}: a task needs at least 1")
        made = method(FrozenSam.of(model, checkpoint))
        folder = None if embeddings is None else Path(embeddings).expanduser()
        kept = None if folder is None else KeptEmbeddings(folder, made.sam)
        super().__init__(made, learning_rate, decay_epochs, seed, kept)
        self.epochs = epochs if made.learns else 1
        self.ended = 0
        """Tasks that were learned and scored."""
        self.scores = SequenceScores.empty(["none"], [])
        self._best: Best | None = None
        self._validated: list[Tensor] = []

    @property
    def data(self) -> DomainDataModule:
        """The sequence.

        Raises:
            TypeError: the data module has none.
        """
        data = getattr(self.trainer, "datamodule", None)
        if not isinstance(data, DomainDataModule):
            raise TypeError("ContinualSequence learns from a DomainDataModule: set data to one")
        return data

    @property
    def training_views_repeat(self) -> bool:
        """Whether views have no jitter."""
        return self.data.views.jitter is None

    @property
    def tasks(self) -> int:
        """How many there are."""
        return 1 if self.method.sees_all_tasks else self.data.tasks

    def setup(self, stage: str) -> None:
        """Say how long the training is, and begin with the first domain.

        Raises:
            ValueError: several processes.
        """
        super().setup(stage)
        if stage != "fit":
            return
        if self.trainer.world_size > 1:
            raise ValueError(
                f"a sequence on {self.trainer.world_size} processes: a task adds parameters that "
                "they would not share; set trainer.devices to 1"
            )
        loop, whole = self.trainer.fit_loop, self.tasks * self.epochs
        given = loop.max_epochs
        loop.max_epochs = whole if given is None or given < 0 else min(given, whole)
        # the Trainer's own argument, which a connector keeps
        self.trainer.reload_dataloaders_every_n_epochs = 1  # type: ignore[attr-defined]
        self.scores = SequenceScores.empty(self.data.sequence, self.data.outside)
        self._move_data()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam on what the method learns in this task, which begins now if it has not yet."""
        if not self.method.tasks:
            self._begin(0)
        learned = [*self.method.learned().values()]
        return torch.optim.Adam(learned, lr=self.learning_rate) if self.method.learns else None

    def on_fit_start(self) -> None:
        """Have no warning of adapters of former domains, which are frozen."""
        warnings.filterwarnings("ignore", message=r"Found \d+ module\(s\) in eval mode")

    def on_train_epoch_start(self) -> None:
        """Set the learning rate, by the epoch of the task alone."""
        rate = self.learning_rate * 0.1 ** (self.current_epoch % self.epochs // self.decay_epochs)
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def on_train_batch_start(
        self, batch: PromptedBatch | AskedImages, batch_idx: int
    ) -> int | None:
        """Leave out the steps of a method that learns nothing."""
        return None if self.method.learns else -1

    def on_validation_epoch_start(self) -> None:
        """Begin to collect."""
        self._validated = []

    def validation_step(self, batch: PromptedBatch | AskedImages, batch_idx: int) -> Tensor:
        """As :class:`ContinualSAM`; and collect."""
        reached = super().validation_step(batch, batch_idx)
        self._validated.append(reached)
        return reached

    def on_validation_epoch_end(self) -> None:
        """Keep what was learned if it is the best of this task."""
        if self.trainer.sanity_checking or not self._validated:
            return
        iou = float(torch.cat(self._validated).mean())
        if self._best is None or iou > self._best.iou:
            learned = self.method.learned()
            self._best = Best(
                iou, {name: value.detach().clone() for name, value in learned.items()}
            )

    def on_train_epoch_end(self) -> None:
        """After the last epoch of a task: end and score it, and begin the next."""
        if (self.current_epoch + 1) % self.epochs or self.ended == self.tasks:
            return
        if self.method.learns and not self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # max_steps ended it within the epoch
        self._take_best()
        task = self._row(self.ended)
        draws = Generator().manual_seed(hash((self.seed, self.ended)) % 2**63)
        self.method.end_task(self._task(task), draws)
        self._score(task)
        self.ended += 1
        if self.ended < self.tasks:
            self._begin(self.ended)
            self._move_data()
            self.trainer.strategy.setup_optimizers(self.trainer)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add where the sequence is."""
        best = None if self._best is None else dict(vars(self._best))
        checkpoint[_STATE] = {
            "ended": self.ended,
            "scores": self.scores.state_dict(),
            "best": best,
            "epochs": self.epochs,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Begin the tasks that were begun; what was learned in them is read next.

        Raises:
            ValueError: the checkpoint is of no sequence or another one.
        """
        state = checkpoint.get(_STATE)
        if state is None:
            raise ValueError(
                "the checkpoint is of no sequence of domains: give the last.ckpt of one"
            )
        scores = SequenceScores.from_state(state["scores"])
        if self._trainer is not None:
            self._refuse_another(scores, state["epochs"])
            for number in range(min(state["ended"] + 1, self.tasks)):
                self._begin(number)
        self.ended, self.scores = state["ended"], scores
        self._best = None if state["best"] is None else Best(**state["best"])
        if self._trainer is not None:
            self._move_data()

    def _refuse_another(self, scores: SequenceScores, epochs: int) -> None:
        there, here = scores.iou.columns, self.scores.iou.columns
        if there != here:
            raise ValueError(
                f"the checkpoint is of the domains {', '.join(there)}, the data are "
                f"{', '.join(here)}: go on with the same in the same order, or begin anew"
            )
        if epochs != self.epochs:
            raise ValueError(
                f"the checkpoint has {epochs} epochs a task, model.epochs is {self.epochs}: go on "
                "with the same, or begin anew"
            )

    def _row(self, number: int) -> int:
        """Row of the matrix of a task: that of all domains is the last."""
        return self.data.tasks - 1 if self.method.sees_all_tasks else number

    def _begin(self, number: int) -> None:
        self._best = None
        self.method.begin_task(self._task(self._row(number)))

    def _task(self, row: int) -> ContinualTask:
        return domain_task(self.data, row, self.method.sees_all_tasks, self.kept)

    def _move_data(self) -> None:
        """Let loaders be of the task under way, or of the last."""
        together = self.method.sees_all_tasks
        self.data.begin(self._row(min(self.ended, self.tasks - 1)), together)

    def _take_best(self) -> None:
        if self._best is None:
            return
        with torch.no_grad():
            for name, parameter in self.method.learned().items():
                parameter.copy_(self._best.learned[name])

    def _score(self, task: int) -> None:
        data = self.data
        with evaluating(self):
            found = {
                data.names[column]: score_domain(self.method, data, column, loader, self.kept)
                for column, loader in zip(data.scored(), data.test_dataloader(), strict=True)
            }
        self.scores = self.scores.with_task(task, found)
