"""All that is measured of a sequence: a matrix of tasks and domains for each measure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch

from goodsam_pl.data import DomainBatch, DomainDataModule
from goodsam_pl.metrics import MaskScores, TaskMatrix
from goodsam_pl.modules.continual.kept_embeddings import KeptEmbeddings
from goodsam_pl.modules.continual.method import ContinualMethod
from goodsam_pl.modules.continual.prompted_batch import as_prompted

__all__ = ["DomainScores", "SequenceScores", "score_domain"]


@dataclass(frozen=True)
class DomainScores:
    """Of the test images of one domain, fractions of 1.

    Attributes:
        iou: mean over images, at their own size.
        boundary_iou: likewise.
        routed: share of images that went to this domain; NaN where the method does not choose, or
            the domain was not learned.
        fallback: share of images that the method was not sure enough of, and left to plain SAM; NaN
            where it does not choose.
    """

    iou: float
    boundary_iou: float
    routed: float
    fallback: float


@dataclass(frozen=True)
class SequenceScores:
    """A matrix A[t][i] of each measure of :class:`DomainScores`."""

    iou: TaskMatrix
    boundary_iou: TaskMatrix
    routed: TaskMatrix
    fallback: TaskMatrix

    @classmethod
    def empty(cls, domains: Sequence[str], outside: Sequence[str]) -> Self:
        """Nothing is measured."""
        nothing = TaskMatrix.empty(domains, outside)
        return cls(nothing, nothing, nothing, nothing)

    def matrices(self) -> dict[str, TaskMatrix]:
        """By name of the measure."""
        return dict(vars(self))

    def with_task(self, task: int, scores: Mapping[str, DomainScores]) -> Self:
        """With what was measured after a task, by domain."""
        return replace(
            self,
            **{
                name: matrix.with_scores(
                    task, {domain: vars(each)[name] for domain, each in scores.items()}
                )
                for name, matrix in self.matrices().items()
            },
        )

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints."""
        return {
            "domains": list(self.iou.domains),
            "outside": list(self.iou.outside),
            **{name: [*map(list, each.values)] for name, each in self.matrices().items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What :meth:`state_dict` gave."""
        domains, outside = tuple(state["domains"]), tuple(state["outside"])
        names = ("iou", "boundary_iou", "routed", "fallback")
        values = {name: tuple(map(tuple, state[name])) for name in names}
        return cls(**{name: TaskMatrix(domains, outside, each) for name, each in values.items()})


@torch.no_grad()
def score_domain(
    method: ContinualMethod,
    data: DomainDataModule,
    column: int,
    batches: Iterable[DomainBatch],
    kept: KeptEmbeddings | None = None,
) -> DomainScores:
    """Ask a method about the test images of a domain.

    Args:
        method: after a task.
        data: whose domain it is.
        column: of the domain.
        batches: of its test images.
        kept: where answers of the frozen SAM are kept; ``None`` encodes each image.
    """
    device = method.sam.places().device
    quality = MaskScores()
    right = unsure = 0
    for batch in batches:
        answer = method.predict(as_prompted(batch, kept).to(device))
        quality.update(
            [
                original.frame.restore(one[0])
                for original, one in zip(batch.originals, answer.logits.float().cpu(), strict=True)
            ],
            [original.mask.cpu() for original in batch.originals],
        )
        right += int((answer.route.domains == column).sum())
        unsure += int((answer.route.domains < 0).sum())
    reached = quality.compute()
    routed = fallback = math.nan
    if method.routes:
        fallback = unsure / reached.images
        routed = right / reached.images if column <= data.task else math.nan
    return DomainScores(reached.iou, reached.boundary_iou, routed, fallback)
