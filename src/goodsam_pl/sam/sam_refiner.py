"""SAMRefiner: a SAM is asked about coarse masks until they are less so, without any training.

Lin et al., "SAMRefiner: Taming Segment Anything Model for Universal Mask Refinement", ICLR 2025,
arXiv 2502.06756.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.masks.layers import Binary
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.refined_labels import RefinedMasks
from goodsam_pl.sam.box_prompts import describe_boxed
from goodsam_pl.sam.coarse_prompts import (
    distance_inside,
    gaussian_prompt,
    negative_point,
    positive_point,
)
from goodsam_pl.sam.elastic_box import elastic_box
from goodsam_pl.sam.mask_prompts import (
    LOGITS_PER_TOKEN,
    MaskPrompts,
    RefiningModel,
    mask_input,
)
from goodsam_pl.sam.point_prompts import EmbeddedWindows, lay_masks
from goodsam_pl.sam.refined_windows import refine_windows

__all__ = ["SamRefiner"]

_TOGETHER = 32
"""Masks that are decoded together: at 64×64 tokens of 256 channels, half a GiB."""

_WIDENED_STRENGTH = 1.0
"""Of the mask prompt where the box has moved: as released, it must not contradict the box."""


@dataclass(frozen=True)
class SamRefiner:
    """Asks a SAM about each coarse mask by two points, a box and a Gaussian mask, round by round.

    Of SAM's three masks the one with the highest predicted IoU is the answer, and the next round
    asks about that, with prompts made anew. A round that answers nothing ends those of its mask,
    which stays as it was (our choice). The score is the predicted IoU of the last answer.

    In the release one widened box, that of the last mask, weakens the mask prompts of all masks of
    an image; here each box weakens its own.

    Attributes:
        model: what is asked.
        rounds: 5, as released.
        margin: how much of what a box would gain must look like the mask, for it to be gained; 0
            leaves all boxes tight, as released. See :func:`goodsam_pl.sam.elastic_box.elastic_box`.
        strength: s of the mask prompt, see :func:`goodsam_pl.sam.coarse_prompts.gaussian_prompt`.
        gamma: γ of the mask prompt.

    Raises:
        ValueError: no rounds, or a margin that is no share.
    """

    model: RefiningModel
    rounds: int = 5
    margin: float = 0.0
    strength: float = 30.0
    gamma: float = 4.0

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds is {self.rounds}: choose 1 or more")
        if not 0 <= self.margin < 1:
            raise ValueError(f"margin is {self.margin}: choose a share, 0 (tight boxes) to below 1")

    def describe(self) -> Description:
        """The model's weights, and how it is asked."""
        return {
            "refiner": "sam_refiner",
            "rounds": self.rounds,
            "margin": float(self.margin),
            "strength": float(self.strength),
            "gamma": float(self.gamma),
            **describe_boxed(self.model),
        }

    def to(self, device: torch.device | str) -> None:
        """Move the model to a device."""
        self.model.to(device)

    @torch.no_grad()
    def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
        """Refine the masks of each window; one without any is not encoded.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
            coarse: of each window ``(M, h, w)`` bool, none of them empty.
        """
        return refine_windows(self.model, windows, coarse, self._rounds)

    def _rounds(self, view: EmbeddedWindows, index: int, coarse: Tensor) -> RefinedMasks:
        masks, scores = coarse.clone(), torch.zeros(len(coarse))
        going = torch.arange(len(coarse))
        for _ in range(self.rounds):
            binary, predicted_iou = self._ask(view, index, masks[going])
            answered = binary.flatten(1).any(dim=1)
            going = going[answered]
            masks[going], scores[going] = binary[answered], predicted_iou[answered].clamp(0, 1)
        return RefinedMasks(masks, scores)

    def _ask(self, view: EmbeddedWindows, index: int, masks: Tensor) -> tuple[Tensor, Tensor]:
        """The best answer to each of some masks ``(M, h, w)``: binary, and predicted IoU."""
        binary, scores = masks.clone(), torch.zeros(len(masks))
        prompts = [self._prompt(view, index, mask.numpy()) for mask in masks]
        # as many points each: one that stands for none would be told to SAM as well
        order = sorted(range(len(masks)), key=lambda number: len(prompts[number].labels))
        for _, group in groupby(order, key=lambda number: len(prompts[number].labels)):
            for some in torch.tensor(list(group)).split(_TOGETHER):
                together = _stack([prompts[number] for number in some.tolist()], view)
                logits, predicted_iou = self.model.decode_mask_prompts(view, index, together)
                best = predicted_iou.argmax(dim=1)
                chosen = logits[torch.arange(len(best), device=best.device), best]
                binary[some] = lay_masks(view, chosen).cpu()
                scores[some] = predicted_iou.amax(dim=1).cpu()
        return binary, scores

    def _prompt(self, view: EmbeddedWindows, index: int, mask: Binary) -> _Prompt:
        distances = distance_inside(mask)
        points = [positive_point(distances)]
        beside = negative_point(mask)
        if beside is not None:
            points.append(beside)
        embedding = view.embeddings[index, : self.model.embedding_channels()]
        box, moved = elastic_box(mask, embedding, view.frame, self.margin)
        strength = _WIDENED_STRENGTH if moved else self.strength
        return _Prompt(
            np.array(points, np.float32),
            [1, 0][: len(points)],
            box,
            gaussian_prompt(mask, distances, strength, self.gamma),
        )


@dataclass(frozen=True, eq=False)
class _Prompt:
    """Points ``(P, 2)``, their labels, a box and mask logits ``(h, w)`` of one mask."""

    points: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    labels: list[int]
    box: tuple[int, int, int, int]
    mask: np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def _stack(prompts: Sequence[_Prompt], view: EmbeddedWindows) -> MaskPrompts:
    """Several with as many points each, where the model is."""
    device = view.embeddings.device
    logits = torch.from_numpy(np.stack([prompt.mask for prompt in prompts])).to(device)
    side = LOGITS_PER_TOKEN * view.embeddings.shape[-1]
    return MaskPrompts(
        points=torch.from_numpy(np.stack([prompt.points for prompt in prompts])).to(device),
        labels=torch.tensor([prompt.labels for prompt in prompts], device=device),
        boxes=torch.tensor([prompt.box for prompt in prompts], device=device).float(),
        masks=mask_input(logits, view.frame, side),
    )
