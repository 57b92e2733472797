from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.losses import thing_cells, thing_feature_distance


def test_a_cell_counts_where_a_thing_has_its_share() -> None:
    labels = np.random.default_rng(0).choice([0, 11, 13, 255], (3, 12, 16), p=[0.1, 0.7, 0.1, 0.1])
    labels[0, :4, :4] = 11
    labels[0, 0, :4] = 0  # 12 of 16 pixels are left: exactly three quarters
    labels[0, :4, 4:8] = 255
    found = thing_cells(torch.from_numpy(labels), (3, 4), (11, 13), 0.75, 255)

    expected = np.zeros((3, 3, 4), bool)
    for image, row, column in np.ndindex(3, 3, 4):
        cell = labels[image, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        values, counts = np.unique(cell, return_counts=True)
        largest = values[counts.argmax()]
        expected[image, row, column] = counts.max() / 16 >= 0.75 and largest in {11, 13}
    np.testing.assert_array_equal(found.numpy(), expected)
    assert expected[0, 0, 0]
    assert not expected[0, 0, 1]
    assert 0 < expected.sum() < expected.size


def test_the_distance_is_that_of_numpy_and_no_gradient_runs_to_the_reference() -> None:
    rng = np.random.default_rng(1)
    own, other = rng.standard_normal((2, 2, 6, 3, 4)).astype(np.float32)
    cells = rng.random((2, 3, 4)) < 0.5
    features, reference = (torch.from_numpy(each).requires_grad_() for each in (own, other))
    distance = thing_feature_distance(features, reference, torch.from_numpy(cells))
    distance.backward()

    distances = [
        np.sqrt(((own[i, :, r, c] - other[i, :, r, c]) ** 2).sum())
        for i, r, c in zip(*np.nonzero(cells), strict=True)
    ]
    assert distance.item() == pytest.approx(np.mean(distances), rel=1e-5)
    assert reference.grad is None
    touched = features.grad.abs().sum(1) > 0
    np.testing.assert_array_equal(touched.numpy(), cells)


def test_without_a_thing_it_is_nothing() -> None:
    features = torch.randn(1, 2, 3, 3, requires_grad=True)
    distance = thing_feature_distance(features, features, torch.zeros(1, 3, 3, dtype=torch.bool))
    distance.backward()
    assert distance == 0
    assert (features.grad == 0).all()


def test_crops_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match=r"50×64 do not divide into 2×2"):
        thing_cells(torch.zeros(1, 50, 64, dtype=torch.long), (2, 2), (11,), 0.75, 255)
