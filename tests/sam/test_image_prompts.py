"""Prompts of a batch: embedded as SAM does, taken apart, and refused where they make no sense."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from segment_anything.modeling import Sam

from goodsam_pl.sam.image_prompts import ImagePrompts

POINTS, LABELS = torch.rand(3, 2, 2) * 64, torch.ones(3, 2, dtype=torch.int)


@torch.no_grad()
def test_a_token_a_point_and_two_a_box_and_masks_go_to_the_image(
    stock_sam: Callable[[int], Sam],
) -> None:
    encoder = stock_sam(0).prompt_encoder
    points = ImagePrompts(points=POINTS, labels=LABELS).embed(encoder)
    assert points.sparse.shape == (3, 3, 16)  # SAM adds a token that is no point
    boxes = torch.rand(3, 4) * 64
    boxed = ImagePrompts(boxes=boxes).embed(encoder)
    assert boxed.sparse.shape == (3, 2, 16)
    assert boxed.dense.equal(points.dense)
    rough = ImagePrompts(masks=torch.randn(3, 1, 32, 32)).embed(encoder)
    assert rough.sparse.shape == (3, 0, 16)
    assert not rough.dense.equal(points.dense)


def test_some_are_taken() -> None:
    some = ImagePrompts(points=POINTS, labels=LABELS).take(torch.tensor([2, 0]))
    assert len(some) == 2
    assert some.points is not None
    assert some.points.equal(POINTS[[2, 0]])
    assert some.boxes is None


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"prompts of \[\] images: give"):
        ImagePrompts()
    with pytest.raises(ValueError, match=r"prompts of \[1, 3\] images"):
        ImagePrompts(points=POINTS, labels=LABELS, boxes=torch.zeros(1, 4))
    with pytest.raises(ValueError, match="points go with labels"):
        ImagePrompts(points=POINTS)
