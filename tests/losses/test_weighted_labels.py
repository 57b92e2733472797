from __future__ import annotations

import numpy as np
import torch

from goodsam_pl.losses import weighted_cross_entropy


def test_the_mean_is_over_all_pixels_and_ignored_ones_are_zero() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((2, 4, 3, 5)), rng.integers(0, 4, (2, 3, 5))
    labels[0, 0] = 255
    weights = rng.random((2, 3, 5))
    total = plain = 0.0
    for image, row, column in np.ndindex(2, 3, 5):
        label = labels[image, row, column]
        if label != 255:
            values = logits[image, :, row, column]
            nats = np.log(np.exp(values).sum()) - values[label]
            plain += nats / 30
            total += weights[image, row, column] * nats / 30

    arguments = torch.from_numpy(logits), torch.from_numpy(labels), 255
    weighted = weighted_cross_entropy(*arguments, torch.from_numpy(weights))
    np.testing.assert_allclose(weighted.item(), total, rtol=1e-12)
    np.testing.assert_allclose(weighted_cross_entropy(*arguments).item(), plain, rtol=1e-12)


def test_no_gradient_runs_to_the_weights() -> None:
    logits = torch.randn(1, 4, 2, 2, requires_grad=True)
    weights = torch.rand(1, 2, 2, requires_grad=True)
    weighted_cross_entropy(logits, torch.zeros(1, 2, 2, dtype=torch.long), 255, weights).backward()
    assert logits.grad is not None
    assert weights.grad is None
