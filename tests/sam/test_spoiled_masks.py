"""Masks made of instances whose faults are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from goodsam_pl.masks.placed_mask import PlacedMask, lay_placed
from goodsam_pl.sam.oracle_dial import OracleDial
from goodsam_pl.sam.spoiled_masks import groups, spoil

SIZE = (32, 96)


@pytest.fixture
def instances() -> NDArray[np.int64]:
    """Ground 7, sky 2, a block 5 across the seam, a post 9 of one column, a far block 4."""
    panorama = np.full(SIZE, 7)
    panorama[:12] = 2
    panorama[8:24, 90:] = panorama[8:24, :10] = 5
    panorama[4:20, 50] = 9
    panorama[10:18, 60:80] = 4
    return panorama


def _binary(masks: list[PlacedMask]) -> torch.Tensor:
    return lay_placed(masks, SIZE).binary()


def _ious(masks: list[PlacedMask], instances: NDArray[np.int64]) -> dict[int, float]:
    """Of each instance with its best mask."""
    binary = _binary(masks).numpy()
    return {
        int(number): max((float((m & own).sum() / (m | own).sum()) for m in binary), default=0.0)
        for number in np.unique(instances)
        for own in [instances == number]
    }


def test_an_exact_dial_gives_the_instances(instances: NDArray[np.int64]) -> None:
    masks = spoil(instances, OracleDial(), [0, 1], score_noise=0.0)
    found = _binary(masks)
    assert len(found) == 5
    assert [mask.area for mask in masks] == sorted((mask.area for mask in masks), reverse=True)
    assert all(any(np.array_equal(m, instances == n) for m in found.numpy()) for n in (2, 4, 5, 7))
    assert set(_ious(masks, instances).values()) == {1.0}
    assert [mask[3:] for mask in masks] == [(1.0, 1.0)] * 5
    across = next(mask for mask in masks if mask.area == 16 * 16)
    assert (across.left, across.shape.shape) == (90, (16, 16))


def test_the_same_seed_gives_the_same_and_another_one_others(
    instances: NDArray[np.int64],
) -> None:
    dial = OracleDial.of_quality(0.3, minimum_area=1)
    one, same, other = (spoil(instances, dial, seed, 0.1) for seed in ([3, 4], [3, 4], [3, 5]))
    assert torch.equal(_binary(one), _binary(same))
    assert [mask[3:] for mask in one] == [mask[3:] for mask in same]
    assert [mask.area for mask in one] != [mask.area for mask in other]


def test_along_the_dial_the_same_masks_go_wrong(instances: NDArray[np.int64]) -> None:
    def missing(share: float, seed: int) -> set[int]:
        masks = spoil(instances, OracleDial(missed=share), [seed], 0.0)
        return {number for number, iou in _ious(masks, instances).items() if iou < 0.5}

    counts = np.zeros(4)
    for seed in range(12):
        sets = [missing(share, seed) for share in (0.0, 0.3, 0.6, 1.0)]
        assert all(less <= more for less, more in pairwise(sets))
        counts += [len(each) for each in sets]
    assert counts[0] == 0
    assert counts[3] == 60
    assert 0.15 < counts[1] / 60 < 0.45


def test_a_displaced_mask_is_the_instance_displaced(instances: NDArray[np.int64]) -> None:
    masks = spoil(instances, OracleDial(shifted=2.0), [1], 0.0)
    blocks = [mask for mask in masks if 100 < mask.area < 200 and mask.shape.shape[1] < 30]
    assert len(blocks) == 1
    moved = blocks[0]
    assert (moved.top, moved.left) != (10, 60)
    assert abs(moved.area - 160) < 30
    assert moved.predicted_iou == pytest.approx(_ious([moved], instances)[4])
    assert 0.5 < moved.stability < 1


def test_a_mask_is_grown_by_so_many_pixels_around_the_seam(instances: NDArray[np.int64]) -> None:
    dial = OracleDial(grown=2.0)
    for seed in range(6):
        for mask in spoil(instances, dial, [seed], 0.0):
            if mask.left in range(84, 96) and mask.shape.shape[1] < 40:
                rows, columns = mask.shape.shape
                assert rows == columns  # the block of 16×16 grows alike on all sides
                assert abs((mask.left + columns / 2) % 96 - 2) <= 0.5


def test_rough_edges_are_those_of_the_image_only_inside(instances: NDArray[np.int64]) -> None:
    masks = spoil(instances, OracleDial(rough=1.5), [5], 0.0)
    ious = _ious(masks, instances)
    assert all(0.7 < ious[number] < 1 for number in (2, 5, 7))
    ground = max(_binary(masks).numpy(), key=lambda mask: mask[-1].sum())
    assert ground[-1].all()  # the lower edge of the image is none of the ground


def test_a_split_mask_is_there_in_two_parts(instances: NDArray[np.int64]) -> None:
    parts = _binary(spoil(instances, OracleDial(split=1.0), [2], 0.0))
    assert len(parts) == 10
    assert (parts.sum(dim=0) == 1).all()
    assert not any((part.numpy() == (instances == 5)).all() for part in parts)


def test_doubled_masks_differ_from_each_other(instances: NDArray[np.int64]) -> None:
    masks = spoil(instances, OracleDial(doubled=1.0, rough=1.0), [2], 0.0)
    assert len(masks) == 10
    assert len({mask.area for mask in masks}) > 5


def test_neighbours_are_merged_in_pairs(instances: NDArray[np.int64]) -> None:
    dense = np.unique(instances, return_inverse=True)[1].reshape(SIZE)
    found = list(groups(dense, 5, 1.0, np.random.default_rng(0)))
    assert sorted(number for group in found for number in group) == [0, 1, 2, 3, 4]
    assert [len(group) for group in found].count(2) in (1, 2)
    assert [*groups(dense, 5, 0.0, np.random.default_rng(0))] == [[n] for n in range(5)]
    alone = np.zeros(SIZE, dtype=np.int64)
    assert [*groups(alone, 1, 1.0, np.random.default_rng(0))] == [[0]]
    whole = _binary(spoil(instances, OracleDial(merged=1.0), [0], 0.0))
    assert len(whole) < 5
    assert (whole.sum(dim=0) == 1).all()


def test_small_masks_are_dropped(instances: NDArray[np.int64]) -> None:
    masks = spoil(instances, OracleDial(minimum_area=100), [0], 0.0)
    assert min(mask.area for mask in masks) == 160
    assert len(masks) == 4


def test_scores_are_noisy_and_still_informative() -> None:
    random = np.random.default_rng(0)
    blocks = random.permutation(400).reshape(20, 20).repeat(12, axis=0).repeat(12, axis=1)
    dial = OracleDial(rough=1.0, merged=0.4)
    exact, noisy = (spoil(blocks, dial, [0], noise) for noise in (0.0, 0.1))
    true = np.array([mask.predicted_iou for mask in exact])
    said = np.array([mask.predicted_iou for mask in noisy])
    assert 0.6 < np.corrcoef(true, said)[0, 1] < 0.98
    assert said.min() >= 0
    assert said.max() == 1
    assert 0.05 < np.abs(true - said).mean() < 0.1
    softer = spoil(blocks, OracleDial(rough=2.0), [0], 0.0)
    harder = spoil(blocks, OracleDial(rough=0.5), [0], 0.0)
    means = [np.mean([mask.stability for mask in masks]) for masks in (softer, harder)]
    assert means[0] < means[1] < 1
