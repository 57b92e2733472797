"""What changed to which class, and whether that was right."""

from __future__ import annotations

import torch

from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.label_changes import ClassChange, label_changes

TAXONOMY = get_taxonomy("cityscapes-19")


def test_changes_are_counted_by_the_class_that_they_go_to() -> None:
    #                     kept, corrected, spoilt, neither, unknown, corrected
    before = torch.tensor([[0, 1, 2, 3, 4, 1]])
    after_ = torch.tensor([[0, 2, 2 + 11, 13, 0, 2]])
    truth_ = torch.tensor([[1, 2, 2, 5, 255, 2]])
    changes = label_changes(before, after_, truth_, TAXONOMY)
    assert changes.classes == (
        ClassChange("building", 2, 2, 0),
        ClassChange("car", 2, 0, 1),
    )
    assert (changes.changed, changes.corrected, changes.spoilt, changes.known) == (4, 2, 1, 5)
    assert str(changes).splitlines() == [
        "to the class   changed  corrected   spoilt",
        "building             2          2        0",
        "car                  2          0        1",
        "all                  4          2        1",
    ]


def test_nothing_changed() -> None:
    labels = torch.zeros(2, 3, dtype=torch.int64)
    changes = label_changes(labels, labels, labels, TAXONOMY)
    assert changes.classes == ()
    assert changes.changed == 0
    assert changes.known == 6
