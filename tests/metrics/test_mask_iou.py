from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import distributed

from goodsam_pl.metrics import MaskScores, boundary_mask_iou, mask_iou

IMAGES = 5  # does not divide by 2


def blobs(seed, size=(23, 31)):
    noise = np.random.default_rng(seed).standard_normal(size)
    smooth = ndimage.gaussian_filter(noise, 3)
    return smooth > np.quantile(smooth, 0.6)


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def boundary(mask, share):
    """What is eroded, where nothing lies beyond the image."""
    steps = max(1, round(share * math.hypot(*mask.shape)))
    square = np.ones((3, 3), dtype=bool)
    return mask & ~ndimage.binary_erosion(mask, square, iterations=steps, border_value=0)


@given(st.integers(0, 10_000), st.sampled_from([0.02, 0.05, 0.12]))
@settings(max_examples=15)
def test_equal_an_independent_reference(seed, share):
    predicted, truth = (np.stack([blobs(seed + i), blobs(seed + i + 7)]) for i in (0, 1))
    pair = torch.from_numpy(predicted), torch.from_numpy(truth)
    expected = [iou(*each) for each in zip(predicted, truth, strict=True)]
    assert mask_iou(*pair).tolist() == pytest.approx(expected, rel=1e-12)
    bands = [[boundary(mask, share) for mask in masks] for masks in (predicted, truth)]
    expected = [iou(*each) for each in zip(*bands, strict=True)]
    assert boundary_mask_iou(*pair, share).tolist() == pytest.approx(expected, rel=1e-12)


def test_by_hand():
    truth = torch.zeros(1, 9, 9, dtype=torch.bool)
    truth[0, 2:7, 2:7] = True  # its ring has 16 pixels
    shifted = truth.roll(1, dims=-1)
    assert mask_iou(shifted, truth).item() == 20 / 30
    # rings share 4 + 4 pixels of the rows at top and bottom
    assert boundary_mask_iou(shifted, truth).item() == 8 / 24


def test_edges_of_the_image_are_contours_and_do_not_meet():
    whole = torch.ones(1, 8, 10, dtype=torch.bool)
    left = whole.clone()
    left[..., 5:] = False
    ring = 2 * 10 + 2 * 6
    assert boundary_mask_iou(whole, whole).item() == 1
    half = 2 * 5 + 2 * 6  # its right side is not the ring's
    assert boundary_mask_iou(left, whole).item() == (half - 6) / (ring + 6)


def test_nothing_equals_nothing_alone():
    empty = torch.zeros(1, 6, 6, dtype=torch.bool)
    full = torch.ones_like(empty)
    for score in (mask_iou, boundary_mask_iou):
        assert [score(empty, empty).item(), score(full, empty).item()] == [1, 0]
    with pytest.raises(ValueError, match="original size"):
        mask_iou(empty, torch.zeros(1, 6, 7, dtype=torch.bool))


def batches():
    """Logits and masks of images of several sizes."""
    for seed in range(IMAGES):
        size = (20 + seed, 34 - 2 * seed)
        logits = torch.from_numpy(blobs(seed, size)).float() * 4 - 2
        yield logits, torch.from_numpy(blobs(seed + 1, size))


def test_images_count_alike_whatever_their_size():
    scores = MaskScores()
    expected = []
    for logits, truth in batches():
        scores.update([logits], [truth])
        pair = (logits > 0).numpy(), truth.numpy()
        expected.append([iou(*pair), iou(*(boundary(mask, 0.02) for mask in pair))])
    found = scores.compute()
    assert found[:2] == pytest.approx(np.mean(expected, axis=0), abs=1e-11)
    assert found.images == IMAGES


def test_zero_is_outside_and_no_image_is_no_score():
    scores = MaskScores()
    assert math.isnan(scores.compute().iou)
    scores.reset()
    scores.update(torch.zeros(1, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool))
    assert scores.compute() == (0, 0, 1)
    with pytest.raises(ValueError, match="diagonal_share 0 is not"):
        MaskScores(diagonal_share=0)
    with pytest.raises(ValueError, match="shorter"):
        scores.update(torch.zeros(2, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool))


def _measure_in_processes(rank, store, results):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    scores = MaskScores()
    for number, (logits, truth) in enumerate(batches()):
        if number % 2 == rank:
            scores.update([logits], [truth])
    np.save(Path(results, f"{rank}.npy"), scores.compute())
    distributed.destroy_process_group()


def test_two_processes_equal_one_to_the_last_bit(tmp_path):
    torch.multiprocessing.start_processes(
        _measure_in_processes,
        args=(str(tmp_path / "store"), str(tmp_path)),
        nprocs=2,
        start_method="fork",  # which need not import everything again
    )
    alone = MaskScores()
    alone.update(*zip(*batches(), strict=True))
    for rank in range(2):
        np.testing.assert_array_equal(np.load(tmp_path / f"{rank}.npy"), alone.compute())
