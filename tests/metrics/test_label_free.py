from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.metrics import (
    Agreement,
    LabelFreeScores,
    agreement,
    class_shares,
    normalized_entropy,
)


def test_agreement_counts_pixels_and_classes_and_has_no_side() -> None:
    first = torch.tensor([[[0, 0, 0, 0], [1, 1, 2, 2]]])
    second = torch.tensor([[[0, 0, 0, 1], [1, 1, 2, 1]]])
    alike = agreement(first, second, classes=4)
    assert alike.pixels == 6 / 8
    assert alike.miou == pytest.approx((3 / 4 + 2 / 4 + 1 / 2) / 3)  # class 3 takes no part
    assert agreement(second, first, classes=4) == alike


def test_a_class_that_one_alone_names_counts_as_no_agreement() -> None:
    alike = agreement(torch.tensor([[[0, 0]]]), torch.tensor([[[0, 3]]]), classes=4)
    assert alike == Agreement(pixels=0.5, miou=0.25)


def test_entropy_is_none_where_sure_and_one_where_all_are_equal() -> None:
    sure, undecided = torch.tensor([1.0, 0, 0, 0]), torch.full((4,), 0.25)
    two = torch.tensor([0.5, 0.5, 0, 0])
    maps = torch.stack([sure, undecided, two], dim=1)[None, :, None]  # (1, 4, 1, 3)
    assert normalized_entropy(maps).tolist() == [[[0.0, 1.0, 0.5]]]
    doubled = normalized_entropy((2 * maps).half())  # overlapping windows add up to more
    assert doubled.tolist() == [[[0.0, 1.0, 0.5]]]


def test_shares_of_classes_are_of_all_pixels() -> None:
    shares = class_shares(torch.tensor([[[0, 0, 0, 2]]]), classes=4)
    assert shares.tolist() == [0.75, 0.0, 0.25, 0.0]


def test_what_is_missing_is_not_logged() -> None:
    scores = LabelFreeScores(
        with_teacher=None,
        with_fused=Agreement(0.5, 0.25),
        trusted=None,
        entropy=0.125,
        teacher_entropy=None,
        shares=torch.tensor([0.75, 0.25]),
    )
    assert scores.as_log(["road", "sky"]) == {
        "label_free/agreement_fused": 0.5,
        "label_free/agreement_fused_miou": 0.25,
        "label_free/entropy": 0.125,
        "label_free/share/road": 0.75,
        "label_free/share/sky": 0.25,
    }
    assert all(math.isfinite(value) for value in scores.as_log(["road", "sky"]).values())
    with pytest.raises(ValueError, match="argument 2 is longer"):
        scores.as_log(["road"])
