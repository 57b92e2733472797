"""Boxes for a model that only knows points: it is asked at some in each, and the box chooses.

SAM's small relative of this package was trained with clicks. What it answers to a box's corners
means nothing; what it answers to points inside of the box can be held against the box. (Our
choice.)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou

from goodsam_pl.masks.proposer import Description
from goodsam_pl.sam.box_prompts import BoxedModel
from goodsam_pl.sam.panorama_generator import PromptedModel
from goodsam_pl.sam.point_prompts import EmbeddedWindows

__all__ = ["BoxesByPoints"]

_ALONG_A_SIDE = 3
"""Points along each side of a box."""


class BoxesByPoints:
    """Answers boxes with the best of what a model answers to points in them.

    Args:
        model: what is asked. Its thresholds count: with usual ones, unsure answers are no answers.

    Raises:
        ValueError: the model answers no points.
    """

    def __init__(self, model: BoxedModel) -> None:
        if not isinstance(model, PromptedModel):
            raise ValueError(  # noqa: TRY004  # of a configuration
                f"{type(model).__name__} answers no points: choose prompts: box for it"
            )
        self._boxed = model
        self._model: PromptedModel = model
        self.windows_per_batch = model.windows_per_batch

    def describe(self) -> Description:
        """As the model describes itself."""
        return self._boxed.describe()

    def to(self, device: torch.device | str) -> None:
        """Move the model to a device."""
        self._boxed.to(device)

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """Encode windows ``(N, 3, h, w)`` uint8."""
        return self._model.embed(windows)

    @torch.no_grad()
    def decode_boxes(
        self, view: EmbeddedWindows, index: int, boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One mask a box: logits ``(M, h', w')`` and a score ``(M,)`` in [0, 1].

        Of a box's answers that is taken whose own box has the highest IoU with it; this IoU, times
        the predicted one, is the score. A box without an answer has an empty mask of score 0.

        Args:
            view: embedded windows.
            index: of one of them.
            boxes: ``(M, 4)``, left, top, right, bottom in pixels of the window.
        """
        points = _points_in(boxes)
        answers = self._model.ask(view, index, points.flatten(0, 1))
        side = answers.logits.shape[-2:]
        logits = answers.logits.new_full((len(boxes), *side), -1.0)
        scores = boxes.new_zeros(len(boxes))
        if not len(answers.prompts):
            return logits, scores
        found = answers.boxes.to(boxes)
        found[:, 2:] += 1  # the last pixels are inside of them
        fit = box_iou(boxes, found) * answers.predicted_iou.clamp(0, 1)
        asked = torch.arange(len(boxes), device=boxes.device)[:, None]
        fit = torch.where(answers.prompts // points.shape[1] == asked, fit, -1.0)
        best, chosen = fit.max(dim=1)
        answered = best > 0
        logits[answered] = answers.logits[chosen[answered]]
        scores[answered] = best[answered].to(scores)
        return logits, scores


def _points_in(boxes: Tensor) -> Tensor:
    """Points ``(M, P, 2)``, x and y, evenly in boxes ``(M, 4)``."""
    shares = (torch.arange(_ALONG_A_SIDE, device=boxes.device) + 0.5) / _ALONG_A_SIDE
    down, across = torch.meshgrid(shares, shares, indexing="ij")
    places = torch.stack([across.flatten(), down.flatten()], dim=-1)
    return boxes[:, None, :2] + places * (boxes[:, 2:] - boxes[:, :2])[:, None]
