"""Every pixel gets one class at most, by each rule, however a panorama is turned."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from concept_views import GRID, SIZE, Things, seen

from goodsam_pl.masks.class_labels import UNCLAIMED, OverlapRule, claimed_share, label_pixels
from goodsam_pl.masks.concepts import ConceptMasks
from goodsam_pl.masks.joined_concepts import ClassMask, join_concepts

RULES: tuple[OverlapRule, ...] = ("query_order", "score", "area", "score_sum")


def bar(columns: range, concept: int, score: float, rank: int) -> ClassMask:
    return ClassMask(0, columns.start, np.ones((1, len(columns)), np.bool_), concept, score, rank)


def row(masks: list[ClassMask], rule: OverlapRule, width: int = 8) -> list[int]:
    return [int(label) for label in label_pixels(masks, (1, width), rule)[0]]


# columns 0 to 5, 2 to 4 and 3 to 6
WIDE, NARROW, RIGHT = (
    bar(range(6), 0, 0.7, 2),
    bar(range(2, 5), 1, 0.6, 0),
    bar(range(3, 7), 2, 0.5, 1),
)


@pytest.mark.parametrize(
    ("rule", "labels"),
    [
        # the one that was found last covers all of the others that it can
        ("query_order", [0, 0, 0, 0, 0, 0, 2, -1]),
        ("score", [0, 0, 0, 0, 0, 0, 2, -1]),
        ("area", [0, 0, 1, 1, 1, 2, 2, -1]),
        ("score_sum", [0, 0, 0, 0, 0, 0, 2, -1]),
    ],
)
def test_who_gets_a_pixel(rule: OverlapRule, labels: list[int]) -> None:
    assert row([WIDE, NARROW, RIGHT], rule) == labels


def test_later_finds_cover_earlier_ones() -> None:
    masks = [bar(range(6), 0, 0.9, 0), bar(range(2, 5), 1, 0.1, 1)]
    assert row(masks, "query_order") == [0, 0, 1, 1, 1, 0, -1, -1]
    assert row(masks, "score") == [0, 0, 0, 0, 0, 0, -1, -1]


def test_two_weak_masks_of_a_class_beat_a_strong_one_of_another() -> None:
    masks = [bar(range(4), 0, 0.6, 0), bar(range(4), 1, 0.4, 1), bar(range(1, 3), 1, 0.3, 2)]
    assert row(masks, "score_sum", 4) == [0, 1, 1, 0]


@pytest.mark.parametrize("rule", ["score", "score_sum"])
def test_of_equal_scores_the_smaller_mask_is_on_top(rule: OverlapRule) -> None:
    masks = [bar(range(6), 3, 1.0, 1), bar(range(2, 4), 1, 1.0, 0)]
    assert row(masks, rule, 6) == [3, 3, 1, 1, 3, 3]


def test_a_mask_goes_on_beyond_the_seam() -> None:
    masks = [ClassMask(0, 6, np.ones((1, 4), np.bool_), 5, 1.0, 0)]
    for rule in RULES:
        assert row(masks, rule) == [5, 5, -1, -1, -1, -1, 5, 5]


def test_the_share_of_claimed_pixels() -> None:
    labels = label_pixels([WIDE, RIGHT], (1, 8), "area")
    assert claimed_share(labels) == 7 / 8
    assert claimed_share(label_pixels([], (2, 3), "score_sum")) == 0
    assert (label_pixels([], (2, 3), "score") == UNCLAIMED).all()


def test_evidence_decides_between_masks_and_claims_nothing_itself() -> None:
    seen_most = np.array(
        [
            [0.9, 0.9, 0.1, 0.5, 0.5, 0.5, 0.9, 0.9],
            [0.0, 0.0, 0.6, 0.5, 0.1, 0.5, 0.0, 0.0],
            [0.9, 0.9, 0.9, 0.5, 0.2, 0.6, 0.3, 0.9],
        ],
        np.float32,
    )[:, None]
    labels = label_pixels([WIDE, NARROW, RIGHT], (1, 8), "evidence", lambda k: seen_most[k])
    # of equal evidence the smallest mask; at column 2 the third class has no mask, at 7 nobody
    assert labels[0].tolist() == [0, 0, 1, 1, 0, 2, 2, -1]


def test_evidence_that_nobody_has_is_refused() -> None:
    with pytest.raises(ValueError, match="Sam3Concepts does; choose another rule"):
        label_pixels([WIDE], (1, 8), "evidence")


def test_another_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="the rule is 'best': choose one of query_order, score"):
        label_pixels([], (1, 8), "best")  # type: ignore[arg-type]


def things(random: np.random.Generator) -> Things:
    """Some rectangles anywhere on the circle, with scores that repeat."""
    found = []
    for _ in range(12):
        mask = torch.zeros(SIZE, dtype=torch.bool)
        top, left = random.integers((5, 24))
        tall, wide = random.integers((1, 1), (4, 12))
        mask[top : top + tall, (left + np.arange(wide)) % 24] = True
        found.append((mask, int(random.integers(4)), float(random.integers(1, 4) / 4)))
    return found


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(20))
def test_a_panorama_turned_by_windows_gives_labels_turned(rule: OverlapRule, seed: int) -> None:
    found = seen(things(np.random.default_rng(seed)))
    labels = label_pixels(join_concepts(found, GRID), SIZE, rule)
    assert len(np.unique(labels)) > 2
    for step in range(1, GRID.count):
        turned = [*found[step:], *found[:step]]
        moved = label_pixels(join_concepts(turned, GRID), SIZE, rule)
        np.testing.assert_array_equal(moved, np.roll(labels, -6 * step, axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_masks_does_not_show_in_sums(seed: int) -> None:
    random = np.random.default_rng(seed)
    found = seen(things(random))
    shuffled = []
    for masks in found:
        order = torch.from_numpy(random.permutation(len(masks)))
        shuffled.append(
            ConceptMasks.pack(
                masks.binary()[order], masks.classes[order], masks.scores[order], masks.boxes[order]
            )
        )
    labels = label_pixels(join_concepts(found, GRID), SIZE, "score_sum")
    again = join_concepts(shuffled, GRID)
    random.shuffle(again)
    np.testing.assert_array_equal(label_pixels(again, SIZE, "score_sum"), labels)


@pytest.mark.parametrize("rule", RULES)
def test_what_any_window_claims_is_claimed(rule: OverlapRule) -> None:
    everything = things(np.random.default_rng(0))
    labels = label_pixels(join_concepts(seen(everything), GRID), SIZE, rule)
    union = torch.stack([mask for mask, _, _ in everything]).any(dim=0)
    np.testing.assert_array_equal(labels != UNCLAIMED, union.numpy())
