from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributed

from goodsam_pl.metrics import BoundaryIoU
from goodsam_pl.metrics.boundary_iou import contour_band

IGNORE = 255
IMAGES = 5  # does not divide by 2
CLASSES = 4


def band_pixel_by_pixel(mask, known, reach):
    """Pixels of one class that see, within a square around them, a known pixel of another."""
    height, width = mask.shape
    band = np.zeros_like(mask)
    for row in range(height):
        for column in range(width):
            if not (mask[row, column] and known[row, column]):
                continue
            for other in range(max(0, row - reach), min(height, row + reach + 1)):
                for step in range(-reach, reach + 1):
                    there = other, (column + step) % width
                    band[row, column] |= known[there] and not mask[there]
    return band


def boundary_iou_class_by_class(predictions, labels, reach):
    common, either = np.zeros(CLASSES), np.zeros(CLASSES)
    for predicted, label in zip(predictions, labels, strict=True):
        known = label != IGNORE
        for index in range(CLASSES):
            one = band_pixel_by_pixel(label == index, known, reach)
            other = band_pixel_by_pixel(predicted == index, known, reach)
            common[index] += (one & other).sum()
            either[index] += (one | other).sum()
    with np.errstate(invalid="ignore"):
        return common / either


def sample(images=IMAGES, seed=0, height=9, width=14):
    """Blocks of labels, predicted with some noise; the last class is absent."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.randint(
        0, CLASSES - 1, (images, height // 3 + 1, width // 3 + 1), generator=generator
    )
    labels = blocks.repeat_interleave(3, 1).repeat_interleave(3, 2)[:, :height, :width].clone()
    predictions = labels.roll(1, dims=-1)
    noise = torch.rand(labels.shape, generator=generator)
    predictions[noise < 0.05] = 0
    labels[noise > 0.9] = IGNORE
    return predictions, labels


@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.15, 0.3, 0.9]))
@settings(max_examples=12)
def test_equals_the_definition_over_the_whole_set(seed, share):
    predictions, labels = sample(2, seed)
    metric = BoundaryIoU(CLASSES, diagonal_share=share)
    for image in range(2):
        metric.update(predictions[image, None], labels[image, None])
    reach = metric.distance(9, 14)
    assert reach == {0.01: 1, 0.15: 2, 0.3: 5, 0.9: 15}[share]  # of a diagonal of 16.6 pixels
    expected = boundary_iou_class_by_class(predictions.numpy(), labels.numpy(), reach)
    np.testing.assert_allclose(metric.compute().numpy(), expected, rtol=1e-12)
    assert np.isnan(expected[-1])


def test_ten_pixels_on_densepass():
    assert BoundaryIoU(19).distance(400, 2048) == 10


def test_by_hand():
    # the band of class 1 is its outermost ring: 8 of 9 pixels; one column further it shares 4
    labels = torch.zeros(1, 7, 12, dtype=torch.int64)
    labels[0, 2:5, 4:7] = 1
    metric = BoundaryIoU(2, diagonal_share=0.001)
    metric.update(labels.roll(1, dims=-1), labels)
    assert metric.compute()[1].item() == pytest.approx(4 / (8 + 8 - 4))


def test_contours_cross_the_seam_and_image_edges_are_none():
    ids = torch.zeros(1, 5, 12, dtype=torch.int64)
    ids[..., 0:2] = 1  # a stripe at the left border
    band = contour_band(ids, torch.zeros_like(ids, dtype=torch.bool), reach=1)
    assert band.all(dim=1)[0].nonzero().flatten().tolist() == [0, 1, 2, 11]
    assert band.any(dim=1)[0].nonzero().flatten().tolist() == [0, 1, 2, 11]


def test_turning_the_panorama_changes_nothing():
    predictions, labels = sample()
    plain, turned = BoundaryIoU(CLASSES), BoundaryIoU(CLASSES)
    plain.update(predictions, labels)
    turned.update(predictions.roll(5, dims=-1), labels.roll(5, dims=-1))
    np.testing.assert_array_equal(turned.compute().numpy(), plain.compute().numpy())


def test_a_perfect_prediction_scores_1_whatever_it_says_of_void():
    _, labels = sample()
    predictions = torch.where(labels == IGNORE, torch.arange(14) % CLASSES, labels)
    metric = BoundaryIoU(CLASSES, diagonal_share=0.2)
    metric.update(predictions, labels)
    assert metric.compute()[:3].tolist() == [1, 1, 1]


def test_none_of_the_classes_is_another_class_next_door():
    labels = torch.zeros(1, 3, 12, dtype=torch.int64)
    labels[..., 6:] = 1
    predictions = labels.clone()
    predictions[..., 11] = 2  # of two classes: none of them
    metric = BoundaryIoU(2, diagonal_share=0.001)
    metric.update(predictions, labels)
    # class 0: columns 0 and 5 both; class 1: labelled 6 and 11, predicted 6 and 10
    assert metric.compute().tolist() == pytest.approx([1, 1 / 3])


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match="diagonal_share 2 is not between 0 and 1"):
        BoundaryIoU(3, diagonal_share=2)


def _measure_in_processes(rank, store, results):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    predictions, labels = sample()
    metric = BoundaryIoU(CLASSES)
    for image in range(rank, IMAGES, 2):
        metric.update(predictions[image, None], labels[image, None])
    np.save(Path(results, f"{rank}.npy"), metric.compute().numpy())
    distributed.destroy_process_group()


def test_two_processes_equal_one_to_the_last_bit(tmp_path):
    torch.multiprocessing.start_processes(
        _measure_in_processes,
        args=(str(tmp_path / "store"), str(tmp_path)),
        nprocs=2,
        start_method="fork",  # which need not import everything again
    )
    alone = BoundaryIoU(CLASSES)
    alone.update(*sample())
    for rank in range(2):
        np.testing.assert_array_equal(np.load(tmp_path / f"{rank}.npy"), alone.compute().numpy())
