"""Which refiner goes with which model."""

from __future__ import annotations

from typing import Literal

from goodsam_pl.masks.proposer import MaskProposer
from goodsam_pl.masks.refined_labels import MaskRefiner
from goodsam_pl.sam.click_refiner import ClickedModel, ClickRefiner
from goodsam_pl.sam.mask_prompts import RefiningModel
from goodsam_pl.sam.sam_refiner import SamRefiner
from goodsam_pl.sam.segment_anything import SegmentAnything

__all__ = ["RefiningPrompts", "refiner_for"]

RefiningPrompts = Literal["all", "clicks"]
"""``"all"``: points on and beside the thing, a box and a mask; ``"clicks"``: points on it alone."""


def refiner_for(
    model: MaskProposer | None = None,
    prompts: RefiningPrompts | None = None,
    rounds: int = 5,
    margin: float = 0.0,
    strength: float = 30.0,
    gamma: float = 4.0,
    points: int = 5,
) -> MaskRefiner:
    """A model as a refiner of masks.

    Args:
        model: what is asked; ``None`` takes the shipped small SAM without thresholds: on a coarse
            mask there is something.
        prompts: how; ``None`` takes clicks for ``vit_nano``, which was trained with nothing else,
            and all prompts for all others.
        rounds: see :class:`SamRefiner` and :class:`ClickRefiner`.
        margin: of :class:`SamRefiner`.
        strength: of :class:`SamRefiner`.
        gamma: of :class:`SamRefiner`.
        points: of :class:`ClickRefiner`.

    Raises:
        ValueError: the model cannot be asked so, or a number is out of range.
    """
    asked = model or SegmentAnything(
        predicted_iou_threshold=0.0, stability_threshold=0.0, minimum_area=1
    )
    if prompts is None:
        prompts = "clicks" if getattr(asked, "model", None) == "vit_nano" else "all"
    if prompts == "all" and isinstance(asked, RefiningModel):
        return SamRefiner(asked, rounds, margin, strength, gamma)
    if prompts == "clicks" and isinstance(asked, ClickedModel):
        return ClickRefiner(asked, rounds, points)
    what = "points, boxes and masks" if prompts == "all" else "points"
    raise ValueError(
        f"{type(asked).__name__} cannot be asked by {what}, and so refines no masks: choose "
        "SegmentAnything or TransformersSAM as proposer"
    )
