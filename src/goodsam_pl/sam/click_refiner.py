"""Coarse masks refined by a model that only knows clicks.

SAM's small relative of this package has never seen a box, a mask, or what a thing is not. It is
asked at points of a coarse mask, and the coarse mask chooses among the answers. (Our choice, in the
place of SAMRefiner's prompts; see :mod:`goodsam_pl.sam.sam_refiner`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.refined_labels import RefinedMasks
from goodsam_pl.sam.box_prompts import PromptableModel, describe_boxed
from goodsam_pl.sam.coarse_prompts import spread_points
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows, lay_masks
from goodsam_pl.sam.refined_windows import refine_windows

__all__ = ["ClickRefiner", "ClickedModel"]

_MASKS_TOGETHER = 8
"""Coarse masks whose answers are kept at once."""


@runtime_checkable
class ClickedModel(PromptableModel, Protocol):
    """A model that answers points with masks."""

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask window ``index`` at points ``(P, 2)``, ``(x, y)`` in its pixels."""
        ...


@dataclass(frozen=True)
class ClickRefiner:
    """Asks at points of each coarse mask, and takes the answer that agrees best with it.

    The points are :func:`~goodsam_pl.sam.coarse_prompts.spread_points`, the first of them
    SAMRefiner's positive one. Of all answers that is taken with the highest product of predicted
    IoU and IoU with the coarse mask, which is its score. Further rounds ask at points of the best
    answer so far, as long as a round finds a better one; answers are always held against the first,
    coarse mask, so that rounds do not carry it away.

    Attributes:
        model: what is asked. Its thresholds count: with usual ones, unsure answers are no answers.
        rounds: at most.
        points: in each mask.

    Raises:
        ValueError: no rounds or points.
    """

    model: ClickedModel
    rounds: int = 5
    points: int = 5

    def __post_init__(self) -> None:
        for name, number in (("rounds", self.rounds), ("points", self.points)):
            if number < 1:
                raise ValueError(f"{name} is {number}: choose 1 or more")

    def describe(self) -> Description:
        """The model, its thresholds, and how it is asked."""
        kept = ("predicted_iou_threshold", "stability_threshold", "stability_offset")
        described = self.model.describe()
        return {
            "refiner": "clicks",
            "rounds": self.rounds,
            "points": self.points,
            **describe_boxed(self.model),
            **{name: value for name, value in described.items() if name in kept},
        }

    def to(self, device: torch.device | str) -> None:
        """Move the model to a device."""
        self.model.to(device)

    @torch.no_grad()
    def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
        """Refine the masks of each window; one without any is not encoded.

        A mask to which nothing is answered stays as it is, with score 0.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
            coarse: of each window ``(M, h, w)`` bool, none of them empty.
        """
        return refine_windows(self.model, windows, coarse, self._together)

    def _together(self, view: EmbeddedWindows, index: int, coarse: Tensor) -> RefinedMasks:
        parts = [self._rounds(view, index, some) for some in coarse.split(_MASKS_TOGETHER)]
        return RefinedMasks(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))

    def _rounds(self, view: EmbeddedWindows, index: int, coarse: Tensor) -> RefinedMasks:
        masks, scores = coarse.clone(), torch.zeros(len(coarse))
        going = torch.arange(len(coarse))
        for _ in range(self.rounds):
            if not len(going):
                break
            found, fit = self._ask(view, index, masks[going], coarse[going])
            better = fit > scores[going]
            going = going[better]
            masks[going], scores[going] = found[better], fit[better]
        return RefinedMasks(masks, scores)

    def _ask(
        self, view: EmbeddedWindows, index: int, asked: Tensor, coarse: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of the answers to points of masks, those that fit coarse ones best, and how well."""
        points = [spread_points(mask.numpy(), self.points) for mask in asked]
        owners = torch.tensor([owner for owner, own in enumerate(points) for _ in own])
        flat = torch.tensor([point for own in points for point in own], dtype=torch.float32) + 0.5
        answers = self.model.ask(view, index, flat.to(view.embeddings.device))
        binary, fit = coarse.clone(), torch.zeros(len(coarse))
        if not len(answers.prompts):
            return binary, fit
        owner_of = owners[answers.prompts.cpu()]
        for owner in owner_of.unique().tolist():
            own = (owner_of == owner).nonzero()[:, 0]
            laid = lay_masks(view, answers.logits[own]).cpu()
            common = (laid & coarse[owner]).flatten(1).sum(dim=1)
            either = (laid | coarse[owner]).flatten(1).sum(dim=1)
            fits = common / either * answers.predicted_iou[own].cpu().clamp(0, 1)
            best = int(fits.argmax())
            binary[owner], fit[owner] = laid[best], fits[best]
        return binary, fit
