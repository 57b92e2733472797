"""Each view of L_CC learns from its own direction, as if the other were a constant."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.losses import symmetric_divergence


@pytest.mark.parametrize("learning", ["first", "second"])
def test_each_view_is_pulled_towards_the_other_as_a_constant(learning: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 3, 2, 5, generator=generator, dtype=torch.float64)
    own, other = logits.unbind() if learning == "first" else logits.flip(0).unbind()
    own.requires_grad_()
    views = [own.log_softmax(1), other.log_softmax(1)]
    symmetric_divergence(*(views if learning == "first" else views[::-1])).sum().backward()

    # of ½ KL(p ‖ q) with q constant: ½ p (log p − log q − KL)
    log_p, log_q = (view.detach().numpy() for view in views)
    apart = (np.exp(log_p) * (log_p - log_q)).sum(1, keepdims=True)
    expected = 0.5 * np.exp(log_p) * (log_p - log_q - apart)
    np.testing.assert_allclose(own.grad.numpy(), expected, atol=1e-12)


def test_both_views_learn_at_once() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    first, second = logits.log_softmax(1)[:, :, None, None].split(1)
    symmetric_divergence(first, second).sum().backward()
    p, q = logits.detach().softmax(1).numpy()
    for own, other, gradient in ((p, q, logits.grad[0]), (q, p, logits.grad[1])):
        ratio = np.log(own / other)
        np.testing.assert_allclose(gradient.numpy(), 0.5 * own * (ratio - own @ ratio), atol=1e-12)
