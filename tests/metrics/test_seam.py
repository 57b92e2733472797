from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing
from torch import distributed

from goodsam_pl.metrics import SeamDisagreement

IGNORE = 255
IMAGES = 5  # does not divide by 2


def disagreement_pixel_by_pixel(predictions, labels):
    """The definition, spelt out."""
    images, height, width = predictions.shape
    changes, pairs = {True: 0, False: 0}, {True: 0, False: 0}
    for image in range(images):
        for row in range(height):
            for column in range(width):
                here, there = (image, row, column), (image, row, (column + 1) % width)
                if IGNORE in {labels[here], labels[there]}:
                    continue
                at_seam = column == width - 1
                pairs[at_seam] += 1
                changes[at_seam] += predictions[here] != predictions[there]
    return (changes[True] / pairs[True]) / (changes[False] / pairs[False])


def sample(seed=0):
    generator = torch.Generator().manual_seed(seed)
    predictions = torch.randint(0, 3, (IMAGES, 6, 10), generator=generator)
    predictions[:, :, 3:7] = predictions[:, :, 3:4]  # fewer changes inside
    labels = torch.randint(0, 3, predictions.shape, generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = IGNORE
    return predictions, labels


def test_equals_the_definition_over_the_whole_set():
    predictions, labels = sample()
    seam = SeamDisagreement()
    for image in range(IMAGES):
        seam.update(predictions[image, None], labels[image, None])
    expected = disagreement_pixel_by_pixel(predictions.numpy(), labels.numpy())
    assert seam.compute().item() == pytest.approx(expected, rel=1e-12)
    assert expected > 1.2


def test_by_hand():
    # seam: 1 of 2 rows changes; inside: 1 of 6 pairs
    predictions = torch.tensor([[[0, 0, 0, 1], [2, 2, 2, 2]]])
    seam = SeamDisagreement()
    seam.update(predictions, torch.zeros_like(predictions))
    assert seam.compute().item() == pytest.approx((1 / 2) / (1 / 6))


def test_over_all_rolls_no_column_is_special():
    """Rolled once to every column, a panorama has each of its neighbours at the seam once."""
    predictions, labels = sample()
    seam = SeamDisagreement()
    for shift in range(10):
        seam.update(predictions.roll(shift, dims=-1), labels.roll(shift, dims=-1))
    assert seam.compute().item() == pytest.approx(1, rel=1e-12)


def test_what_cannot_be_said_is_nan():
    constant = torch.zeros(1, 2, 4, dtype=torch.int64)
    seam = SeamDisagreement()
    with pytest.warns(UserWarning, match="compute"):
        assert math.isnan(seam.compute())
    seam.reset()
    seam.update(constant, constant)
    assert math.isnan(seam.compute())
    seam.reset()
    seam.update(torch.tensor([[[0, 1, 0, 1]]]), torch.tensor([[[0, 0, 0, IGNORE]]]))
    assert math.isnan(seam.compute())


def _measure_in_processes(rank, store, results):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    predictions, labels = sample()
    seam = SeamDisagreement()
    for image in range(rank, IMAGES, 2):
        seam.update(predictions[image, None], labels[image, None])
    np.save(Path(results, f"{rank}.npy"), seam.compute().numpy())
    distributed.destroy_process_group()


def test_two_processes_equal_one_to_the_last_bit(tmp_path):
    torch.multiprocessing.start_processes(
        _measure_in_processes,
        args=(str(tmp_path / "store"), str(tmp_path)),
        nprocs=2,
        start_method="fork",  # which need not import everything again
    )
    alone = SeamDisagreement()
    alone.update(*sample())
    for rank in range(2):
        assert np.load(tmp_path / f"{rank}.npy") == alone.compute().item()
