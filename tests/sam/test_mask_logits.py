"""Masks drawn in parts are the parts of whole masks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.mask_decoder import DecodedPoints, decode_points
from goodsam_pl.sam.mask_logits import draw_masks, draw_outlines, sketch_masks


@pytest.fixture(scope="module")
def decoded(tiny_sam: Sam) -> DecodedPoints:
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(3, 3, 64, 64, generator=generator)
    points = torch.rand(3, 7, 2, generator=generator) * 64
    with torch.no_grad():
        return decode_points(tiny_sam, tiny_sam.image_encoder(images), points)


def test_only_wanted_masks_are_drawn_in_their_order(tiny_sam: Sam, decoded: DecodedPoints) -> None:
    wanted = torch.rand(21, 3, generator=torch.Generator().manual_seed(4)) < 0.3
    with torch.no_grad():
        everything = draw_masks(tiny_sam, decoded, torch.ones_like(wanted)).reshape(21, 3, 32, 32)
        some = draw_masks(tiny_sam, decoded, wanted)
    assert len(some) == int(wanted.sum())
    torch.testing.assert_close(some, everything[wanted], rtol=1e-5, atol=1e-6)


def test_nothing_wanted_gives_nothing(tiny_sam: Sam, decoded: DecodedPoints) -> None:
    nothing = draw_masks(tiny_sam, decoded, torch.zeros(21, 3, dtype=torch.bool))
    assert nothing.shape == (0, 32, 32)


def test_a_sketch_is_a_sixteenth_of_the_drawing(tiny_sam: Sam, decoded: DecodedPoints) -> None:
    with torch.no_grad():
        everything = draw_masks(tiny_sam, decoded, torch.ones(21, 3, dtype=torch.bool))
        sketched = sketch_masks(tiny_sam, decoded)
    expected = everything.reshape(21, 3, 32, 32)[:, :, 2::4, 2::4]
    torch.testing.assert_close(sketched, expected, rtol=1e-4, atol=1e-5)


CHOSEN = (torch.tensor([5, 2, 2, 20]), torch.tensor([0, 2, 1, 1]))


def outlines(sam: Sam, decoded: DecodedPoints, sketches: Tensor, offset: float) -> Tensor:
    with torch.no_grad():
        return draw_outlines(sam, decoded, sketches, CHOSEN, offset)


def test_everything_is_outline_within_a_large_offset(tiny_sam: Sam, decoded: DecodedPoints) -> None:
    with torch.no_grad():
        sketches = sketch_masks(tiny_sam, decoded)[CHOSEN]
        whole = draw_masks(tiny_sam, decoded, torch.ones(21, 3, dtype=torch.bool))
    expected = whole.reshape(21, 3, 32, 32)[CHOSEN]
    drawn = outlines(tiny_sam, decoded, sketches, float(sketches.abs().max()) + 1)
    torch.testing.assert_close(drawn, expected, rtol=1e-4, atol=1e-5)


def test_away_from_zero_the_sketch_is_repeated(tiny_sam: Sam, decoded: DecodedPoints) -> None:
    sketches = torch.full((4, 8, 8), -9.0)
    sketches[:, :, 5:] = 7.0
    with torch.no_grad():
        whole = draw_masks(tiny_sam, decoded, torch.ones(21, 3, dtype=torch.bool))
    drawn = outlines(tiny_sam, decoded, sketches, 1.0)
    expected = F.interpolate(sketches[:, None], scale_factor=4.0)[:, 0]
    # the sign changes between the fifth and the sixth token: both are drawn
    expected[:, :, 16:24] = whole.reshape(21, 3, 32, 32)[CHOSEN][:, :, 16:24]
    torch.testing.assert_close(drawn, expected, rtol=1e-4, atol=1e-5)


def test_no_outline_at_all(tiny_sam: Sam, decoded: DecodedPoints) -> None:
    assert (outlines(tiny_sam, decoded, torch.full((4, 8, 8), -9.0), 1.0) == -9).all()
