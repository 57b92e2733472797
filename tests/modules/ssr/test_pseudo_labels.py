from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.modules.ssr.pseudo_labels import pseudo_labels


@pytest.mark.parametrize(("above", "below"), [(0, 0), (2, 3), (0, 1), (5, 0)])
def test_labels_and_weights_are_those_of_numpy(above: int, below: int) -> None:
    logits = 4 * np.random.default_rng(0).standard_normal((2, 5, 6, 7))
    labels, weights = pseudo_labels(torch.from_numpy(logits), 0.9, (above, below))

    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    share = (probabilities.max(1) >= 0.9).sum() / (2 * 6 * 7)
    assert 0.2 < share < 0.8
    expected = np.full((2, 6, 7), share)
    expected[:, :above] = 0
    expected[:, 6 - below :] = 0
    np.testing.assert_array_equal(labels.numpy(), probabilities.argmax(1))
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-12)


def test_the_share_is_that_of_the_whole_batch() -> None:
    sure, unsure = torch.tensor([9.0, -9.0]), torch.tensor([0.0, 0.1])
    logits = torch.stack([sure, unsure])[:, :, None, None].expand(2, 2, 3, 3)
    assert (pseudo_labels(logits, 0.968)[1] == 0.5).all()


def test_rows_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match=r"ignored_rows \[15, 120\] leave nothing of .* 32 rows"):
        pseudo_labels(torch.zeros(1, 19, 32, 4), 0.5, (15, 120))
