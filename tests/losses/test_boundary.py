"""Boundaries in pixels, and the loss at its extremes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from goodsam_pl.geometry import CrossedWindows, WindowGrid, extract_families
from goodsam_pl.losses import (
    boundary_loss,
    boundary_region,
    edges,
    refined_boundary,
    soft_boundary,
)

GRID = WindowGrid.cover((6, 16), (6, 8), (6, 4))
CROSSED = CrossedWindows.cover((6, 16), (3, 16), (3, 16), (6, 8), (6, 8))


def _one_hot(labels: torch.Tensor, classes: int = 3) -> torch.Tensor:
    return F.one_hot(labels, classes).permute(0, 3, 1, 2).double()


def test_edges_mark_both_sides_of_a_change() -> None:
    labels = torch.tensor([[0, 0, 0, 1], [0, 0, 2, 1], [0, 0, 0, 0]])
    assert edges(labels).int().tolist() == [[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_mirror_image_has_the_mirror_images_boundaries(version) -> None:
    generator = torch.Generator().manual_seed(0)
    masks, labels = torch.randint(0, 4, (2, 2, 6, 16), generator=generator)
    windows = GRID if version == "v1" else CROSSED

    def refined(labels: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        layers = tuple(cut[:, :, None] for cut in extract_families(masks, windows))
        return refined_boundary(layers, extract_families(labels, windows), windows, 1, version)

    boundary = refined(labels, masks)
    assert 0 < boundary.sum() < boundary.numel()
    assert torch.equal(refined(labels.flip(-1), masks.flip(-1)), boundary.flip(-1))
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


def _windows_of(panorama: torch.Tensor) -> torch.Tensor:
    return GRID.extract(panorama[None])


def test_an_edge_of_sam_survives_only_beside_a_class_edge() -> None:
    masks = torch.zeros(6, 16, dtype=torch.int16)
    masks[:, 5:] = 1  # an edge at column 4 …
    masks[:, 11:] = 2  # … and one at column 10
    labels = torch.zeros(6, 16, dtype=torch.int64)
    labels[:, 6:] = 1  # a class edge one pixel from the first, none near the second
    windows = _windows_of(labels)
    refined = refined_boundary(_windows_of(masks)[:, :, None], windows, GRID, radius=2)[0]
    assert refined[:, 4].all()
    assert not refined[:, 10].any()


def test_a_class_edge_in_any_overlapping_window_is_enough() -> None:
    masks = torch.zeros(6, 16, dtype=torch.int16)
    masks[:, 6:] = 1
    labels = _windows_of(torch.zeros(6, 16, dtype=torch.int64)).clone()
    labels[0, 1, :, 2:] = 1  # window 1 starts at column 4: an edge at column 5, in it alone
    refined = refined_boundary(_windows_of(masks)[:, :, None], labels, GRID, radius=1)[0]
    assert refined[:, 5].all()


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


def test_version_2_takes_the_edges_of_both_families() -> None:
    masks = torch.zeros(6, 16, dtype=torch.int16)
    masks[:, 4:] = 1  # an edge at column 3
    masks[:, 12:] = 2  # and one at column 11
    layers = tuple(grid.extract(masks[None])[:, :, None] for grid in CROSSED.families)
    flat, tall = (grid.extract(torch.zeros(1, 6, 16)).long() for grid in CROSSED.families)
    flat[:, 0, :, 4:] = 1  # the upper flat window sees a class edge at column 3 …
    tall[:, 1, :, 4:] = 1  # … and the right tall one at column 11

    refined = refined_boundary(layers, (flat, tall), CROSSED, radius=0, version="v2")[0]
    assert refined[:, 11:13].all()
    assert refined[:3, 3:5].all()
    assert refined.sum() == 2 * (6 + 3)


def test_the_loss_is_taken_where_windows_overlap() -> None:
    assert torch.equal(boundary_region(GRID), GRID.coverage() > 1)
    assert boundary_region(CROSSED, "v2").all()


@pytest.mark.parametrize("windows", [GRID, CROSSED])
def test_windows_of_the_other_version_are_refused(windows) -> None:
    version = "v2" if windows is GRID else "v1"  # no flat window overlaps with another one
    kind = "crossed" if windows is GRID else "sliding"
    labels = extract_families(torch.zeros(1, 6, 16, dtype=torch.int64), windows)
    for ask in (
        lambda: boundary_region(windows, version),
        lambda: refined_boundary(
            tuple(each[:, :, None] for each in labels), labels, windows, version=version
        ),
    ):
        with pytest.raises(ValueError, match=rf"boundary {version} is for {kind} windows: set "):
            ask()
