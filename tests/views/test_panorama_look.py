"""A look is asked once, and fused at will: each fusion says what it says by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from goodsam_pl.data import PanoramaBatch, normalize
from goodsam_pl.fusion import CTCF, MajorityVote, TrustedPool, WordVoter, mask_votes
from goodsam_pl.geometry import CrossedWindows, WindowGrid, extract_families
from goodsam_pl.modules import TARectification, Teachers
from goodsam_pl.views.panorama_look import look_at

SIZE = (16, 48)
GRID = WindowGrid.cover(SIZE, (16, 16), (16, 12))
CROSSED = CrossedWindows.cover(SIZE, (8, 24), (8, 24), (16, 8), (16, 8))


class Counting(nn.Module):
    """A 1×1 convolution with weights by a seed, that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 19, 1)
        self.asked = 0

    def forward(self, images):
        self.asked += 1
        return 3 * self.layer(images)


def _batch(windows=GRID, *, whole=True, words=False) -> PanoramaBatch:
    """Noise, and three masks of the whole panorama: halves and a square across the seam."""
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    layers = torch.full((1, 2, *SIZE), -1, dtype=torch.int16)
    layers[0, 0, :8], layers[0, 0, 8:] = 0, 1
    layers[0, 1, 4:12, :5] = layers[0, 1, 4:12, -4:] = 2
    return PanoramaBatch(
        image=normalize(pixels)[None],
        label=torch.zeros(1, *SIZE, dtype=torch.int64),
        masks=extract_families(layers, windows),
        windows=windows,
        names=["noise"],
        whole_masks=whole,
        words=torch.full((1, 19, *SIZE), 9, dtype=torch.uint8) if words else None,
    )


def _module(**options) -> TARectification:
    return TARectification(Counting(), teachers=Teachers(**options)).eval()


@pytest.mark.parametrize("fusion", [CTCF(0.05), CTCF(0.9), MajorityVote(0.0)])
def test_another_fusion_is_what_it_says_of_the_same_windows_and_nobody_is_asked_again(
    fusion,
) -> None:
    module, batch = _module(mirror=True), _batch()
    look = look_at(batch, module)
    asked = module.teacher_assistant.asked
    fused = look.fuse(fusion)
    assert module.teacher_assistant.asked == asked
    alone = fusion(look.seen[0], batch.masks[0][0])
    expected = GRID.stitch(alone.ensemble[None])[0]
    assert torch.equal(fused.ensemble, expected)
    assert torch.equal(fused.label, expected.argmax(dim=0))
    weight = GRID.stitch(alone.weight[None, :, None])[0, 0]
    assert torch.equal(fused.weight, weight)
    assert torch.equal(fused.confident == 255, weight < 0.5)
    assert fused.trusted == pytest.approx(weight.mean().item())
    assert fused.ensemble.sum(dim=0).allclose(torch.ones(SIZE), atol=1e-5)


@pytest.mark.parametrize(("windows", "boundary"), [(GRID, "v1"), (CROSSED, "v2")])
def test_the_runs_fusion_is_that_of_the_teachers(windows, boundary) -> None:
    module = _module(fusion=TrustedPool(odds=2.0), boundary=boundary)
    batch = _batch(windows)
    look = look_at(batch, module)
    with torch.no_grad():
        expected = module.teachers.look(module.teacher_assistant, batch)
    assert torch.equal(look.fuse().ensemble, expected.ensemble[0])
    assert torch.equal(look.stitched, expected.stitched[0])


def test_the_logits_are_raw() -> None:
    module, batch = _module(), _batch()
    look = look_at(batch, module)
    everywhere = module.teacher_assistant(batch.image)[0]
    assert look.stitched_logits.allclose(everywhere, atol=1e-5)
    assert look.logits[0].allclose(GRID.extract(everywhere[None])[0], atol=1e-5)


def test_votes_are_counted_window_by_window_and_all_around() -> None:
    look = look_at(_batch(), _module())
    shares, areas = look.votes()
    alone = mask_votes(look.seen[0], look.masks[0])
    assert torch.equal(shares, alone.shares)
    assert areas[0].tolist() == [128, 128, 40]  # of the square, what is right of the seam
    shares, areas = look.whole_votes()
    assert areas.tolist() == [384, 384, 72]
    labels = look.target.argmax(dim=0)
    square = torch.cat([labels[4:12, :5].flatten(), labels[4:12, -4:].flatten()])
    assert shares[2].tolist() == (torch.bincount(square, minlength=19).double() / 72).tolist()


def test_what_words_have_found_is_heard_by_who_hears_it() -> None:
    look = look_at(_batch(words=True), _module(fusion=WordVoter(CTCF())))
    inner, heard = look.fuse(CTCF()), look.fuse()
    assert not torch.equal(inner.ensemble, heard.ensemble)


def test_without_masks_nothing_is_fused() -> None:
    batch = _batch()
    batch.masks = None
    module = _module(mirror=True)
    module.teacher_assistant.asked = 0
    look = look_at(batch, module)
    assert module.teacher_assistant.asked == 1
    with torch.no_grad():
        assert torch.equal(look.stitched, module.teachers.predict_whole(module, batch)[0][0])
    for ask in (look.fuse, look.votes):
        with pytest.raises(ValueError, match="noise has no masks"):
            ask()


def test_masks_of_windows_have_no_votes_all_around() -> None:
    look = look_at(_batch(whole=False), _module())
    with pytest.raises(ValueError, match="end with their windows"):
        look.whole_votes()
