"""The cross-entropies of the adaptation against torch's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from goodsam_pl.losses import (
    cross_entropy,
    ensemble_cross_entropy,
    labelled_cross_entropy,
    whole_image_cross_entropy,
)


def test_the_whole_image_link_is_cross_entropy_with_the_teachers_labels() -> None:
    logits, labels = torch.randn(2, 5, 4, 6), torch.randint(0, 5, (2, 4, 6))
    expected = F.cross_entropy(logits, labels)
    found = whole_image_cross_entropy(logits.log_softmax(1), labels.byte())
    torch.testing.assert_close(found, expected)


def test_the_ensemble_link_is_the_sum_of_the_figures_two_links() -> None:
    log_probabilities = torch.randn(2, 3, 5, 4, 6).log_softmax(2)
    labels, weight = torch.randint(0, 5, (2, 3, 4, 6)), torch.rand(2, 3, 4, 6).round()
    nats = F.nll_loss(log_probabilities.flatten(0, 1), labels.flatten(0, 1), reduction="none")
    expected = nats.mean() + 0.5 * (nats * weight.flatten(0, 1)).mean()
    found = ensemble_cross_entropy((log_probabilities,), (labels.byte(),), (weight.byte(),), 0.5)
    torch.testing.assert_close(found, expected)


def test_soft_targets_are_torchs_and_hard_ones_their_one_hot_case() -> None:
    logits, weights = torch.randn(2, 5, 4, 6), torch.rand(5)
    soft, labels = torch.randn(2, 5, 4, 6).softmax(1), torch.randint(0, 5, (2, 4, 6))
    log_probabilities = logits.log_softmax(1)
    torch.testing.assert_close(
        whole_image_cross_entropy(log_probabilities, soft), F.cross_entropy(logits, soft)
    )
    one_hot = F.one_hot(labels, 5).movedim(-1, 1).float()
    torch.testing.assert_close(
        cross_entropy(log_probabilities, labels, weights),
        cross_entropy(log_probabilities, one_hot, weights),
    )


def test_soft_links_are_the_sum_of_the_figures_two_links() -> None:
    log_probabilities = torch.randn(2, 3, 5, 4, 6).log_softmax(2)
    ensemble, weight = torch.randn(2, 3, 5, 4, 6).softmax(2), torch.rand(2, 3, 4, 6).round()
    confident = weight[:, :, None] * ensemble  # E_H = E ⊗ M
    expected = sum(-(q * log_probabilities).sum(2).mean() for q in (ensemble, confident))
    found = ensemble_cross_entropy((log_probabilities,), (ensemble,), (weight,))
    torch.testing.assert_close(found, expected)


def test_families_weigh_the_same() -> None:
    parts = [
        (torch.randn(1, n, 5, 4, w).log_softmax(2), torch.randint(0, 5, (1, n, 4, w)), w)
        for n, w in ((2, 6), (7, 3))
    ]
    weights = tuple(torch.ones(labels.shape) for _, labels, _ in parts)
    logs, labels = tuple(each[0] for each in parts), tuple(each[1] for each in parts)
    each = [
        ensemble_cross_entropy(*((one,) for one in part))
        for part in zip(logs, labels, weights, strict=True)
    ]
    torch.testing.assert_close(
        ensemble_cross_entropy(logs, labels, weights), torch.stack(each).mean()
    )


def test_labels_of_people_leave_pixels_out_also_all() -> None:
    logits = torch.randn(2, 5, 4, 6, requires_grad=True)
    labels = torch.randint(0, 5, (2, 4, 6))
    labels[:, :2] = 255
    expected = F.cross_entropy(logits.movedim(1, -1)[:, 2:].flatten(0, 2), labels[:, 2:].flatten())
    torch.testing.assert_close(labelled_cross_entropy(logits, labels, 255), expected)
    nothing = labelled_cross_entropy(logits, torch.full_like(labels, 255), 255)
    nothing.backward()
    assert nothing.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
