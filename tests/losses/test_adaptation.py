"""The cross-entropies of the adaptation against torch's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from goodsam_pl.losses import ensemble_cross_entropy, whole_image_cross_entropy


def test_the_whole_image_link_is_cross_entropy_with_the_teachers_labels() -> None:
    logits, teacher = torch.randn(2, 5, 4, 6), torch.randn(2, 5, 4, 6).softmax(1)
    expected = F.cross_entropy(logits, teacher.argmax(1))
    torch.testing.assert_close(whole_image_cross_entropy(logits, teacher), expected)


def test_the_ensemble_link_is_the_sum_of_the_figures_two_links() -> None:
    log_probabilities = torch.randn(2, 3, 5, 4, 6).log_softmax(2)
    ensemble, weight = torch.rand(2, 3, 5, 4, 6).softmax(2), torch.rand(2, 3, 4, 6).round()
    labels = ensemble.argmax(2).flatten(0, 1)
    nats = F.nll_loss(log_probabilities.flatten(0, 1), labels, reduction="none")
    expected = nats.mean() + 0.5 * (nats * weight.flatten(0, 1)).mean()
    found = ensemble_cross_entropy(log_probabilities, ensemble, weight, confident_weight=0.5)
    torch.testing.assert_close(found, expected)


def test_the_teacher_gets_no_gradient() -> None:
    ensemble = torch.rand(1, 1, 3, 2, 2).softmax(2).requires_grad_()
    student = torch.randn(1, 1, 3, 2, 2, requires_grad=True)
    ensemble_cross_entropy(student.log_softmax(2), ensemble, torch.ones(1, 1, 2, 2)).backward()
    assert ensemble.grad is None
    assert student.grad is not None
