"""The soft boundary in pixels, and the loss at its extremes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from goodsam_pl.fusion import edges
from goodsam_pl.geometry import CrossedWindows, WindowGrid
from goodsam_pl.losses import boundary_loss, soft_boundary

GRID = WindowGrid.cover((6, 16), (6, 8), (6, 4))
CROSSED = CrossedWindows.cover((6, 16), (3, 16), (3, 16), (6, 8), (6, 8))


def _one_hot(labels: torch.Tensor, classes: int = 3) -> torch.Tensor:
    return F.one_hot(labels, classes).permute(0, 3, 1, 2).double()


def test_a_mirror_image_costs_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    boundary = torch.randint(0, 2, (2, 6, 16), generator=generator).bool()
    student = torch.randn(2, 3, 6, 16, generator=generator).softmax(1)
    torch.testing.assert_close(
        boundary_loss(student.flip(-1), boundary.flip(-1)), boundary_loss(student, boundary)
    )


def test_the_seam_costs_what_any_other_place_costs() -> None:
    labels = torch.zeros(1, 6, 16, dtype=torch.int64)
    labels[..., 8:] = 1  # edges in the middle and at the seam
    truth, student = soft_boundary(_one_hot(labels)) > 0.5, _one_hot(labels.roll(1, dims=-1))
    losses = [
        boundary_loss(student.roll(shift, dims=-1), truth.roll(shift, dims=-1)).item()
        for shift in range(16)
    ]
    assert losses == pytest.approx([-math.log(1 - 1e-4)] * 16, rel=1e-3)


def test_the_soft_boundary_of_a_hard_prediction_is_its_edges_and_closes_at_the_seam() -> None:
    labels = torch.randint(0, 3, (2, 5, 9))
    expected, seam = edges(labels), labels[..., -1] != labels[..., 0]
    expected[..., -1] |= seam
    expected[..., 0] |= seam
    assert torch.equal(soft_boundary(_one_hot(labels)) > 0.5, expected)


def test_the_soft_boundary_turns_with_the_panorama() -> None:
    probabilities = torch.randn(1, 3, 5, 9).softmax(1)
    rolled = soft_boundary(probabilities.roll(4, dims=-1))
    torch.testing.assert_close(rolled, soft_boundary(probabilities).roll(4, dims=-1))


def test_the_loss_is_least_for_the_right_edges_and_greatest_for_none() -> None:
    labels = torch.zeros(1, 6, 16, dtype=torch.int64)
    labels[..., 4:12] = 1
    truth = soft_boundary(_one_hot(labels)) > 0.5
    right = boundary_loss(_one_hot(labels), truth)
    none = boundary_loss(_one_hot(torch.zeros_like(labels)), truth)
    elsewhere = boundary_loss(_one_hot(labels.roll(4, dims=-1)), truth)
    assert right.item() == pytest.approx(-math.log(1 - 1e-4), rel=1e-3)
    assert none.item() == pytest.approx((-math.log(1e-4) - math.log(1 - 1e-4)) / 2, rel=1e-3)
    assert elsewhere > none > right


def test_a_pixel_of_tolerance_costs_nothing() -> None:
    labels = torch.zeros(1, 6, 16, dtype=torch.int64)
    labels[..., 4:12] = 1
    truth = soft_boundary(_one_hot(labels.roll(1, dims=-1))) > 0.5
    assert boundary_loss(_one_hot(labels), truth).item() == pytest.approx(
        -math.log(1 - 1e-4), rel=1e-3
    )


def test_pixels_that_take_no_part_have_no_say() -> None:
    probabilities = torch.randn(1, 3, 6, 16).softmax(1).requires_grad_()
    where = torch.zeros(6, 16, dtype=torch.bool)
    where[:, 8:] = True
    boundary_loss(probabilities, torch.zeros(1, 6, 16, dtype=torch.bool), where).backward()
    assert probabilities.grad is not None
    assert probabilities.grad[..., 1:7].abs().sum() == 0  # but for the neighbours on both sides
    assert probabilities.grad[..., 8:].abs().sum() > 0


def test_gradients_are_right() -> None:
    logits = torch.randn(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    boundary = torch.rand(1, 3, 4) > 0.5
    assert torch.autograd.gradcheck(lambda x: soft_boundary(x.softmax(1)).square().sum(), (logits,))
    assert torch.isfinite(boundary_loss(logits.softmax(1), boundary))
