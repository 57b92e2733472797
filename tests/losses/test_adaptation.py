"""The cross-entropies of the adaptation against torch's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from goodsam_pl.losses import ensemble_cross_entropy, whole_image_cross_entropy


def test_the_whole_image_link_is_cross_entropy_with_the_teachers_labels() -> None:
    logits, labels = torch.randn(2, 5, 4, 6), torch.randint(0, 5, (2, 4, 6))
    expected = F.cross_entropy(logits, labels)
    torch.testing.assert_close(whole_image_cross_entropy(logits, labels.byte()), expected)


def test_the_ensemble_link_is_the_sum_of_the_figures_two_links() -> None:
    log_probabilities = torch.randn(2, 3, 5, 4, 6).log_softmax(2)
    labels, weight = torch.randint(0, 5, (2, 3, 4, 6)), torch.rand(2, 3, 4, 6).round()
    nats = F.nll_loss(log_probabilities.flatten(0, 1), labels.flatten(0, 1), reduction="none")
    expected = nats.mean() + 0.5 * (nats * weight.flatten(0, 1)).mean()
    found = ensemble_cross_entropy(log_probabilities, labels.byte(), weight.byte(), 0.5)
    torch.testing.assert_close(found, expected)
