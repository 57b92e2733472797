"""Masks with a class are joined across windows and across the seam."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from concept_views import GRID, SIZE, seen

from goodsam_pl.masks.concepts import ConceptMasks
from goodsam_pl.masks.joined_concepts import ClassMask, join_concepts


def rectangle(rows: slice, columns: list[int]) -> torch.Tensor:
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[rows, columns] = True
    return mask


def whole(mask: ClassMask) -> torch.Tensor:
    """On the image."""
    canvas = np.zeros(SIZE, dtype=np.bool_)
    rows, columns = mask.shape.nonzero()
    canvas[rows + mask.top, (columns + mask.left) % SIZE[1]] = True
    return torch.from_numpy(canvas)


def test_what_windows_cut_is_whole_again() -> None:
    road = rectangle(slice(4, 6), list(range(24)))
    car = rectangle(slice(2, 5), [22, 23, 0, 1])

    joined = join_concepts(seen([(road, 0, 0.5), (car, 3, 0.9)]), GRID)

    assert [mask.concept for mask in joined] == [0, 3]
    assert whole(joined[0]).equal(road)
    assert whole(joined[1]).equal(car)
    assert joined[1].box == (22, 2, 4, 3)
    assert joined[1].area == 12
    assert joined[1].score == pytest.approx(0.9)


def test_masks_of_two_classes_stay_two() -> None:
    thing = rectangle(slice(2, 5), [7, 8, 9])

    joined = join_concepts(seen([(thing, 0, 0.5), (thing, 1, 0.5)]), GRID)

    assert sorted(mask.concept for mask in joined) == [0, 1]
    assert all(whole(mask).equal(thing) for mask in joined)


def test_windows_that_do_not_agree_give_two_masks() -> None:
    one, other = rectangle(slice(0, 3), [8]), rectangle(slice(2, 6), [8])
    first, second = seen([(one, 0, 0.5)]), seen([(other, 0, 0.5)])
    found = [first[0], second[1], *(ConceptMasks.none((6, 12)) for _ in range(2))]

    joined = join_concepts(found, GRID)

    assert [whole(mask).sum().item() for mask in joined] == [3, 4]
    assert len(join_concepts(found, GRID, agreement=1 / 6)) == 1


def test_a_joined_mask_has_the_highest_score_and_the_lowest_rank() -> None:
    thing = rectangle(slice(2, 5), [7, 8, 9])
    before = rectangle(slice(0, 1), [3])
    found = seen([(before, 1, 0.5), (thing, 0, 0.25)])
    found[1] = seen([(thing, 0, 0.75)])[1]

    (mask,) = (each for each in join_concepts(found, GRID) if each.concept == 0)

    assert mask.score == 0.75
    assert mask.rank == 0


def test_empty_masks_are_left_out_and_no_mask_is_an_answer() -> None:
    empty = ConceptMasks.pack(
        torch.zeros((1, 6, 12), dtype=torch.bool),
        torch.zeros(1),
        torch.ones(1),
        torch.zeros((1, 4)),
    )
    assert join_concepts([empty] * 4, GRID) == []
    assert join_concepts([ConceptMasks.none((6, 12))] * 4, GRID) == []


def test_masks_of_other_windows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 sets of masks of .* do not belong to 4 windows"):
        join_concepts([ConceptMasks.none((6, 12))] * 3, GRID)
