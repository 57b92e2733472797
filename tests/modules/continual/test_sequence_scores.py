from __future__ import annotations

import math

import pytest

from goodsam_pl.modules.continual import DomainScores, SequenceScores


def test_each_measure_has_its_matrix_and_comes_back_from_plain_values() -> None:
    scores = SequenceScores.empty(["rail", "polyp"], ["natural"])
    scores = scores.with_task(0, {"rail": DomainScores(0.9, 0.8, 1.0, 0.0)})
    scores = scores.with_task(
        1,
        {
            "rail": DomainScores(0.7, 0.6, 0.5, 0.25),
            "polyp": DomainScores(0.5, 0.4, 0.75, 0.125),
            "natural": DomainScores(0.3, 0.2, math.nan, 1.0),
        },
    )
    assert scores.iou.forgetting() == pytest.approx(0.2)
    assert scores.boundary_iou.last() == pytest.approx(0.5)
    assert scores.routed.values[1] == pytest.approx((0.5, 0.75, math.nan), nan_ok=True)
    assert scores.fallback.values[1] == (0.25, 0.125, 1.0)
    again = SequenceScores.from_state(scores.state_dict())
    assert repr(again) == repr(scores)  # NaN is not equal to itself
    assert [*scores.matrices()] == ["iou", "boundary_iou", "routed", "fallback"]
