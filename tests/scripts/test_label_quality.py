"""The quality of labels, on a panorama whose answers are known."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.fusion import CTCF, NoFusion, TrustedPool
from goodsam_pl.geometry import WindowGrid
from label_quality import Quality, Tally, as_markdown, known_fusions

GRID = WindowGrid.cover((4, 16), (4, 8), (4, 8))


@pytest.fixture
def batch() -> PanoramaBatch:
    """Class 0, with a block of class 1 that a mask shows."""
    truth = torch.zeros(1, 4, 16, dtype=torch.int64)
    truth[0, :2, :4] = 1
    truth[0, 3, 15] = 255
    masks = torch.full((1, 2, 1, 4, 8), -1, dtype=torch.int16)
    masks[0, 0, 0, :2, :4] = 0
    return PanoramaBatch(torch.zeros(1, 3, 4, 16), truth, (masks,), GRID, ["a"])


def _teacher(batch: PanoramaBatch) -> torch.Tensor:
    """S_i: right but for two pixels of the block, sure of itself in the first window alone."""
    said = batch.label.clone()
    said[0, 0, :2] = 0
    one_hot = torch.nn.functional.one_hot(said.clamp(max=1), 2).movedim(-1, 1).float()
    windows = 0.95 * GRID.extract(one_hot) + 0.025
    windows[:, 1] = 0.5 + 0.1 * (windows[:, 1] - 0.5)
    return windows


def _quality(batch: PanoramaBatch, fusion: NoFusion | CTCF) -> Quality:
    tally = Tally(classes=2, ignored=255)
    tally.add(batch, batch.label, _teacher(batch), fusion)
    return tally.score()


def test_without_fusion_it_is_that_of_the_teacher_assistant(batch: PanoramaBatch) -> None:
    quality = _quality(batch, NoFusion())
    # class 1: 6 of 8 hit; class 0: 55 hit, 2 false alarms; trusted: the first window
    expected = (6 / 8 + 55 / 57) / 2
    assert quality.miou == pytest.approx(expected)
    assert quality.windows_miou == pytest.approx(expected)
    assert quality.trusted_miou == pytest.approx((6 / 8 + 24 / 26) / 2)
    assert quality.trusted == 0.5
    assert quality.iou == pytest.approx([55 / 57, 6 / 8])


def test_a_mask_puts_it_right(batch: PanoramaBatch) -> None:
    quality = _quality(batch, CTCF())
    assert quality.miou == quality.windows_miou == quality.trusted_miou == 1


def test_each_constant_of_the_configured_fusion_is_compared_alone() -> None:
    configured = {
        "class_path": "goodsam_pl.fusion.CTCF",
        "init_args": {"threshold": 0.5, "distinct_share": 0.1, "votes": "softmax"},
    }
    fusions = known_fusions(configured)
    assert list(fusions)[-3:] == [
        "CTCF with distinct_share 0.1",
        "CTCF with votes softmax",
        "CTCF as configured",
    ]
    assert fusions["CTCF with votes softmax"] == CTCF(votes="softmax")
    assert fusions["CTCF as configured"] == CTCF(distinct_share=0.1, votes="softmax")
    assert "CTCF as configured" not in known_fusions(None)


def test_priors_are_compared_beside_the_configured_one() -> None:
    configured = {"class_path": "goodsam_pl.fusion.TrustedPool", "init_args": {"odds": 1.0}}
    fusions = known_fusions(configured, [0.0, 0.25])
    assert list(fusions)[-3:] == ["TrustedPool as configured", "prior 0", "prior 0.25"]
    assert fusions["prior 0"] == fusions["TrustedPool as configured"] == TrustedPool(odds=1.0)
    assert fusions["prior 0.25"] == TrustedPool(odds=1.0, prior=0.25)
    with pytest.raises(ValueError, match="the fusion is a NoFusion"):
        known_fusions({"class_path": "goodsam_pl.fusion.NoFusion"}, [0.25])


def test_the_page_is_a_table_in_percent() -> None:
    quality = Quality(0.5, 0.25, math.nan, 1.0, [0.5])
    assert as_markdown({"source": {"SSA": quality}}).splitlines() == [
        "| teacher assistant | fusion | E | E, windows | E_H, windows | trusted |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        "| source | SSA | 50.00 | 25.00 | nan | 100.00 |",
    ]
