"""Words as a voter: values by hand, an independent reference, and no seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodsam_pl.fusion import CTCF, Fused, Fusion, NoFusion, TrustedPool, WordVoter, fuse
from goodsam_pl.geometry import (
    CrossedWindows,
    WindowGrid,
    Windows,
    extract_families,
    stitch_families,
)

GRID = WindowGrid.cover((8, 24), (8, 8), (8, 6))
CROSSED = CrossedWindows.cover((8, 24), (4, 12), (4, 12), (8, 8), (8, 6))
POOL = TrustedPool(odds=1.0, nested=1.0, border_width=1, span=1, confidence=0.5)
CLASSES = 5


class Panorama:
    """Two panoramas of random softmax and masks, and words with some things."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.softmax = torch.randn(2, CLASSES, 8, 24, generator=generator).softmax(1)
        self.layers = torch.randint(-1, 5, (2, 2, 8, 24), generator=generator).short()
        self.words = torch.zeros(2, CLASSES, 8, 24, dtype=torch.uint8)
        self.words[0, 3, 2:6, 20:] = 200  # a thing on the seam …
        self.words[0, 3, 2:6, :2] = 200
        self.words[0, 1, 4:8, 1:5] = 90  # … another beside it, over it in one column
        self.words[1, 4] = 255

    def rolled(self, columns: int) -> Panorama:
        """The same, turned."""
        other = Panorama()
        for name in ("softmax", "layers", "words"):
            setattr(other, name, getattr(self, name).roll(columns, dims=-1))
        return other

    def fused(self, fusion: Fusion, windows: Windows, *, words: bool = True) -> tuple[Fused, ...]:
        """E_i and M_i of its windows."""
        seen = extract_families(self.softmax, windows)
        return fuse(
            fusion,
            seen,
            stitch_families(seen, windows),
            extract_families(self.layers, windows),
            windows,
            whole_masks=True,
            words=self.words if words else None,
        )


def _loop(
    inner: NDArray[np.float32], words: NDArray[np.uint8], weight: float, floor: float
) -> Tensor:
    """The formula, pixel by pixel; ``(K, P)`` each."""
    pooled = inner.astype(np.float64)
    for pixel in range(inner.shape[1]):
        added = [
            weight * (floor + (1 - floor) * int(byte) / 255) if byte else 0.0
            for byte in words[:, pixel]
        ]
        for k, own in enumerate(added):
            pooled[k, pixel] = (inner[k, pixel] + own) / (1 + sum(added))
    return torch.from_numpy(pooled)


@pytest.mark.parametrize("windows", [GRID, CROSSED], ids=["sliding", "crossed"])
@pytest.mark.parametrize("inner", [POOL, CTCF(), NoFusion()], ids=lambda each: type(each).__name__)
def test_a_voter_is_the_formula_over_its_inner_fusion(inner: Fusion, windows: Windows) -> None:
    panorama = Panorama()
    heard = panorama.fused(WordVoter(inner, weight=0.7, floor=0.3), windows)
    before = panorama.fused(inner, windows, words=False)
    words = extract_families(panorama.words, windows)
    for part, own, evidence in zip(heard, before, words, strict=True):
        flat, said = (each.movedim(-3, 0).flatten(1) for each in (own.ensemble, evidence))
        expected = _loop(flat.numpy(), said.numpy(), 0.7, 0.3)
        got = part.ensemble.movedim(-3, 0).flatten(1)
        torch.testing.assert_close(got.double(), expected)
        there = said.amax(dim=0) > 0
        assert torch.equal(part.label.flatten()[there], expected.argmax(dim=0)[there].byte())
        sure = (expected.amax(dim=0) >= 0.6).to(own.weight)
        assert torch.equal(part.weight.flatten()[there], sure[there])
        assert torch.equal(part.label.flatten()[~there], own.label.flatten()[~there])
        assert torch.equal(part.weight.flatten()[~there], own.weight.flatten()[~there])
        assert torch.equal(got[:, ~there], flat[:, ~there])
        assert 0 < there.float().mean() < 1
        assert (part.label != own.label).any()


def test_a_pixel_by_hand() -> None:
    said = torch.tensor([0.5, 0.3, 0.2]).view(3, 1, 1)
    words = torch.tensor([0, 0, 51], dtype=torch.uint8).view(3, 1, 1)
    inner = NoFusion(confidence=0.4)(said[None], torch.full((1, 1, 1, 1), -1))
    heard = WordVoter(NoFusion(), weight=1.0, floor=0.25, confidence=0.5).hear(inner, words[None])
    # e = 0.25 + 0.75 · 0.2: (0.5, 0.3, 0.2 + 0.4) / 1.4
    expected = torch.tensor([5 / 14, 3 / 14, 6 / 14])
    torch.testing.assert_close(heard.ensemble.flatten(), expected)
    assert heard.label.item() == 2
    assert heard.label.dtype == torch.uint8
    assert heard.weight.item() == 0  # 6 / 14 is below 0.5
    assert inner.weight.item() == 1


@pytest.mark.parametrize("inner", [POOL, CTCF()], ids=lambda each: type(each).__name__)
def test_without_weight_a_voter_is_its_inner_fusion(inner: Fusion) -> None:
    panorama = Panorama()
    (heard,) = panorama.fused(WordVoter(inner, weight=0.0), GRID)
    (before,) = panorama.fused(inner, GRID, words=False)
    for name in ("ensemble", "label", "weight"):
        assert torch.equal(getattr(heard, name), getattr(before, name))


@pytest.mark.parametrize("columns", [6, 18])
def test_a_turned_panorama_gives_turned_labels(columns: int) -> None:
    panorama, voter = Panorama(), WordVoter(POOL, weight=0.7)
    (here,), (turned,) = panorama.fused(voter, GRID), panorama.rolled(columns).fused(voter, GRID)
    steps = columns // 6
    assert torch.equal(turned.label, here.label.roll(steps, dims=1))
    assert torch.equal(turned.weight, here.weight.roll(steps, dims=1))
    torch.testing.assert_close(turned.ensemble, here.ensemble.roll(steps, dims=1))


def test_windows_agree_about_what_words_have_found() -> None:
    panorama = Panorama()
    (part,) = panorama.fused(WordVoter(POOL, weight=0.7), GRID)
    whole = GRID.stitch(part.ensemble)
    torch.testing.assert_close(GRID.extract(whole), part.ensemble)


def test_words_that_nobody_hears_are_refused() -> None:
    with pytest.raises(ValueError, match="TrustedPool does not hear what words have found"):
        Panorama().fused(POOL, GRID)


def test_a_voter_without_words_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"set data.words_root to a folder of `goodsam label`"):
        Panorama().fused(WordVoter(POOL), GRID, words=False)


def test_constants_that_mean_nothing_are_refused() -> None:
    for weight in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="choose a number, 0 or more"):
            WordVoter(POOL, weight=weight)
    with pytest.raises(ValueError, match=r"floor is 1\.5: choose a share"):
        WordVoter(POOL, floor=1.5)
    with pytest.raises(ValueError, match="words vote once"):
        WordVoter(WordVoter(POOL))


def test_words_of_other_classes_are_refused() -> None:
    panorama = Panorama()
    panorama.words = panorama.words[:, 1:]
    with pytest.raises(ValueError, match=r"words \(2, 4, 4, 8, 8\) do not belong to E"):
        panorama.fused(WordVoter(POOL), GRID)
