"""What all methods of continual learning have in common, so that one runner drives each of them.

A sequence is, for each task in turn::

    method.begin_task(task)
    # steps, each:
    terms = method.loss_terms(batch, generator)
    loss = sum(method.weights[name] * term for name, term in terms.items())
    # of the checkpoints of these steps the best on validation images, by method.current(batch)
    method.end_task(task, generator)
    # scores on all domains so far, by method.predict(batch)

``state_dict`` and ``load_state_dict`` carry a method from task to task: what it remembers beside
its parameters is in there as well, plain values and tensors, and the frozen SAM is not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Generator, Tensor, nn

from goodsam_pl.losses import point_mask_loss, sample_points
from goodsam_pl.modules.continual.domain_selector import Route
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.modules.continual.routed_sam import RoutedMasks
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["ContinualMethod", "ContinualTask", "MaskPoints"]


class ContinualTask(NamedTuple):
    """What a method may look at when a task begins and ends.

    Attributes:
        name: of the domain.
        batches: training images of the domain, as they are evaluated; gone through again and again.
        buffers: the kept images of each domain so far in their order, of this one last, which a
            method that keeps nothing does not touch. Read one by one, when they are asked for.
    """

    name: str
    batches: Iterable[PromptedBatch]
    buffers: Sequence[PromptedBatch]


@dataclass(frozen=True)
class MaskPoints:
    """Where a mask is compared, see :func:`goodsam_pl.losses.sample_points`; HQ-SAM's numbers.

    Attributes:
        count: points of a mask.
        oversample: how many times more are drawn first.
        uncertain: the share that is least sure.
    """

    count: int = 112 * 112
    oversample: float = 3.0
    uncertain: float = 0.75


class ContinualMethod(nn.Module, ABC):
    """A SAM that meets one domain after another.

    Args:
        sam: frozen.
        points: where masks are compared.
        seed: of what is drawn when a task begins.
    """

    sees_all_tasks: ClassVar[bool] = False
    """Whether it learns from all domains together, as one task, and so is no continual learner."""

    learns: ClassVar[bool] = True
    """Whether there are steps at all."""

    routes: ClassVar[bool] = False
    """Whether it chooses a domain for each image, so that choices can be right or wrong."""

    def __init__(self, sam: FrozenSam, points: MaskPoints = MaskPoints(), seed: int = 0) -> None:
        super().__init__()
        self.sam = sam
        self.points = points
        self.seed = seed
        self.tasks: list[str] = []
        self.weights: dict[str, float] = {"cross_entropy": 1.0, "dice": 1.0}

    def begin_task(self, task: ContinualTask) -> None:
        """Make ready to learn a domain. What it draws depends on the seed and the task alone.

        Raises:
            ValueError: the domain was learned already.
        """
        if task.name in self.tasks:
            raise ValueError(
                f"the domain {task.name!r} is there already: a sequence has each domain once"
            )
        self.tasks.append(task.name)

    def loss_terms(self, batch: PromptedBatch, generator: Generator) -> dict[str, Tensor]:
        """Scalars by the names that ``weights`` has.

        Args:
            batch: of the current domain, with masks.
            generator: of the CPU.
        """
        logits = self.current(batch)
        return self.compare(logits, batch, self.draw_points(logits, generator))

    def end_task(self, task: ContinualTask, generator: Generator) -> None:
        """Keep what is needed of a domain that was learned."""

    @abstractmethod
    def current(self, batch: PromptedBatch) -> Tensor:
        """Masks of what is being learned, with gradients where they are on: ``(B, 1, 4h, 4w)``."""

    @torch.no_grad()
    def predict(self, batch: PromptedBatch) -> RoutedMasks:
        """Masks of images of any domain; without a choice, all are of domain 0."""
        logits = self.current(batch)
        nowhere = torch.zeros(len(batch), dtype=torch.int64, device=logits.device)
        return RoutedMasks(logits, Route(nowhere, torch.ones(len(batch), device=logits.device)))

    def learned(self) -> dict[str, nn.Parameter]:
        """What an optimiser is given in this task, by name."""
        return {name: each for name, each in self.named_parameters() if each.requires_grad}

    def draw_points(self, logits: Tensor, generator: Generator) -> Tensor:
        """Points ``(B, N, 2)`` at which masks are compared in this step."""
        some = self.points
        return sample_points(logits, some.count, some.oversample, some.uncertain, generator)

    def compare(self, logits: Tensor, batch: PromptedBatch, points: Tensor) -> dict[str, Tensor]:
        """Terms of masks against the true ones.

        Raises:
            ValueError: the batch has no masks.
        """
        if batch.masks is None:
            raise ValueError("a batch without masks: there is nothing to learn from it")
        loss = point_mask_loss(logits, batch.masks.unsqueeze(1).float(), points)
        return {"cross_entropy": loss.cross_entropy, "dice": loss.dice}

    def get_extra_state(self) -> dict[str, Any]:
        """What is remembered beside tensors, and of which SAM."""
        sam = {"sam": self.sam.name, "fingerprint": self.sam.fingerprint}
        return {"tasks": list(self.tasks), **sam}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Remember it again; the tensors of a state dict are read next.

        Raises:
            ValueError: it is of another SAM.
        """
        self.sam.refuse_another(state["sam"], state["fingerprint"], "this state")
        self.tasks = list(state["tasks"])
