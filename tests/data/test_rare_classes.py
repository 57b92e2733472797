from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.data import rare_class_probabilities


def test_probabilities_are_those_of_numpy() -> None:
    pixels = np.array([700, 200, 95, 5, 0])
    found = rare_class_probabilities(torch.from_numpy(pixels), 0.1).numpy()

    weights = np.exp((1 - pixels / 1000) / 0.1) * (pixels > 0)
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=1e-12)
    assert found[3] > found[2] > found[1] > found[0] > found[4] == 0


def test_a_low_temperature_does_not_overflow_and_a_high_one_treats_all_alike() -> None:
    pixels = torch.tensor([10_000_000, 1])
    assert rare_class_probabilities(pixels, 1e-4).tolist() == [0, 1]
    assert rare_class_probabilities(pixels, 1e6).tolist() == pytest.approx([0.5, 0.5], abs=1e-5)


def test_a_source_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixel of the source is labelled"):
        rare_class_probabilities(torch.zeros(19), 0.01)
