from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.metrics import scores_from_confusion

nan = math.nan

# 0: 3 of 4 found; 1: found, and once too often; 2: labelled, never found; 3: absent;
# 4: predicted, never labelled
CONFUSION = torch.tensor(
    [
        [3, 1, 0, 0, 0],
        [0, 4, 0, 0, 0],
        [0, 0, 0, 0, 2],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
)


def test_hand_computed_values():
    scores = scores_from_confusion(CONFUSION)
    assert scores.iou.tolist() == pytest.approx([3 / 4, 4 / 5, 0, nan, 0], nan_ok=True)
    assert scores.miou.item() == pytest.approx((3 / 4 + 4 / 5) / 4)
    assert scores.pixel_accuracy.item() == pytest.approx(7 / 10)
    assert scores.pixels.tolist() == [4, 4, 2, 0, 0]
    assert scores.iou.dtype == torch.float64


def test_nothing_counted_is_nan():
    scores = scores_from_confusion(torch.zeros(3, 3, dtype=torch.int64))
    assert scores.miou.isnan()
    assert scores.iou.isnan().all()
    assert scores.pixel_accuracy.isnan()


def test_more_pixels_than_single_precision_can_count():
    many = 2**33
    scores = scores_from_confusion(torch.tensor([[many, 1], [0, many]]))
    assert scores.iou.tolist() == [many / (many + 1)] * 2


@given(st.lists(st.integers(0, 9), min_size=9, max_size=9), st.permutations(range(3)))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_classes_does_not_matter(counts, order):
    confusion = torch.tensor(counts).reshape(3, 3)
    scores = scores_from_confusion(confusion)
    permuted = scores_from_confusion(confusion[order][:, order])
    torch.testing.assert_close(permuted.iou, scores.iou[order], equal_nan=True)
    torch.testing.assert_close(permuted.miou, scores.miou, equal_nan=True)
    torch.testing.assert_close(permuted.pixel_accuracy, scores.pixel_accuracy, equal_nan=True)
    present = scores.iou[~scores.iou.isnan()]
    assert ((present >= 0) & (present <= 1)).all()


def test_log_has_the_dashboard_names_and_no_absent_class():
    names = ("road", "sky", "rider", "train", "bus")
    log = scores_from_confusion(CONFUSION).as_log("val", names)
    assert log == pytest.approx(
        {
            "val/miou": 0.3875,
            "val/pixel_accuracy": 0.7,
            "val/iou/road": 0.75,
            "val/iou/sky": 0.8,
            "val/iou/rider": 0.0,
            "val/iou/bus": 0.0,
        }
    )
    windowed = scores_from_confusion(CONFUSION).as_log("test", names, "_windowed")
    assert windowed["test/miou_windowed"] == pytest.approx(0.3875)
    assert windowed["test/iou_windowed/road"] == pytest.approx(0.75)


def test_names_a_wrong_number_of_class_names():
    with pytest.raises(ValueError, match="2 class names for 5 classes"):
        scores_from_confusion(CONFUSION).as_log("val", ("road", "sky"))
