"""SAM's losses against their closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.losses import dice_loss, focal_loss, mask_iou, weigh_masks

ONE = math.log(3.0)  # whose sigmoid is 3/4


def test_focal_loss_of_one_pixel_is_the_paper_s() -> None:
    logits = torch.tensor([[ONE], [ONE], [0.0]])
    targets = torch.tensor([[1.0], [0.0], [0.5]])
    expected = [0.25**2 * -math.log(0.75), 0.75**2 * -math.log(0.25), 0.0]
    torch.testing.assert_close(focal_loss(logits, targets), torch.tensor(expected))


def test_focal_loss_is_the_mean_over_pixels() -> None:
    logits = torch.tensor([[[ONE, ONE]]])
    targets = torch.tensor([[[1.0, 0.0]]])
    expected = (-(0.25**2) * math.log(0.75) - 0.75**2 * math.log(0.25)) / 2
    assert focal_loss(logits, targets).shape == (1, 1)
    assert float(focal_loss(logits, targets)) == pytest.approx(expected)


def test_dice_loss_compares_overlap_with_sizes() -> None:
    logits = torch.tensor([[ONE, -ONE, -ONE]])
    targets = torch.tensor([[1.0, 1.0, 0.0]])
    # overlap 3/4 + 1/4, sizes 3/4 + 1/4 + 1/4 and 2
    assert float(dice_loss(logits, targets)) == pytest.approx(1 - 3 / 4.25)


def test_masks_that_are_right_cost_nothing() -> None:
    targets = torch.tensor([[1.0, 0.0, 1.0]])
    logits = 100 * (targets - 0.5)
    assert float(focal_loss(logits, targets)) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(logits, targets)) == pytest.approx(0.0, abs=1e-6)


def test_overlap_is_the_intersection_over_the_union() -> None:
    logits = torch.tensor([[[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0], [-1.0] * 4]])
    targets = torch.tensor([[[1.0, 0.0, 0.6, 0.5]]])
    torch.testing.assert_close(mask_iou(logits, targets), torch.tensor([[1 / 3, 1.0, 0.0]]))
    assert float(mask_iou(-torch.ones(4), torch.zeros(4))) == 0.0


@pytest.mark.parametrize(
    ("others", "expected"),
    [(0.0, [0.0, 1.0, 0.0]), (0.1, [0.05, 0.9, 0.05]), (2 / 3, [1 / 3, 1 / 3, 1 / 3])],
)
def test_the_best_mask_is_corrected_most(others: float, expected: list[float]) -> None:
    weights = weigh_masks(torch.tensor([[2.0, 1.0, 3.0]]), others)
    torch.testing.assert_close(weights, torch.tensor([expected]))


def test_gradients_run_through_the_losses_and_not_through_what_weighs_them() -> None:
    logits = torch.tensor([[0.3, -0.2]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0]])
    (focal_loss(logits, targets) + dice_loss(logits, targets)).sum().backward()
    assert logits.grad is not None
    assert float(logits.grad[0, 0]) < 0 < float(logits.grad[0, 1])
    assert not mask_iou(logits, targets).requires_grad
    assert not weigh_masks(logits, 0.1).requires_grad
