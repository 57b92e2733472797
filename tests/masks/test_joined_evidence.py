"""Evidence of windows, joined: means on overlaps, across the seam, and presence."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from concept_views import GRID, SIZE

from goodsam_pl.masks.concepts import ConceptMasks
from goodsam_pl.masks.joined_evidence import join_evidence


def _windows(whole: torch.Tensor) -> list[ConceptMasks]:
    """What windows of 6×12 pixels see of evidence ``(C, 6, 24)``."""
    return [
        replace(
            ConceptMasks.none((6, 12)),
            evidence=whole.roll(-GRID.corner(index)[1], 2)[:, :, :12].half(),
        )
        for index in range(GRID.count)
    ]


def test_windows_that_agree_give_the_whole_across_the_seam() -> None:
    whole = torch.rand(2, *SIZE, generator=torch.Generator().manual_seed(0))
    for concept in range(2):
        joined = join_evidence(_windows(whole), GRID, concept)
        assert joined.dtype == np.float32
        np.testing.assert_allclose(joined, whole[concept].half().float().numpy(), atol=1e-6)


def test_windows_that_differ_are_averaged_and_presence_counts() -> None:
    found = _windows(torch.ones(1, *SIZE))
    found[0] = replace(found[0], presence=torch.tensor([0.5]))
    joined = join_evidence(found, GRID, 0)
    # each column lies in two windows; the first one holds columns 0 to 11
    np.testing.assert_allclose(joined, np.repeat([[0.75, 1.0]], 12, axis=1).repeat(6, axis=0))


def test_coarse_evidence_is_enlarged_to_its_window() -> None:
    coarse = torch.tensor([[[0.2, 0.8]]])
    found = [replace(ConceptMasks.none((6, 12)), evidence=coarse.half())] * GRID.count
    joined = join_evidence(found, GRID, 0)
    expected = torch.nn.functional.interpolate(coarse[None], (6, 12), mode="bilinear")[0, 0]
    both = (expected[:, :6] + expected[:, 6:]) / 2
    np.testing.assert_allclose(joined, both.repeat(1, 4).numpy(), atol=1e-3)


def test_a_proposer_that_does_not_say_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say how much of each class is seen"):
        join_evidence([ConceptMasks.none((6, 12))] * GRID.count, GRID, 0)
