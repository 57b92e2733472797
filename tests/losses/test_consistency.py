"""L_CC against a plain double loop and its closed forms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from goodsam_pl.geometry import CrossedWindows, WindowGrid, extract_families
from goodsam_pl.losses import consistency, squared_difference, symmetric_divergence

GRID = WindowGrid.cover((4, 16), (4, 6), (4, 4))


def test_windows_cut_from_one_prediction_agree() -> None:
    log_probabilities = extract_families(torch.randn(2, 5, 4, 16).log_softmax(1), GRID)
    assert consistency(log_probabilities, GRID).item() == pytest.approx(0, abs=1e-6)


def test_it_equals_torch_kl_averaged_over_the_overlaps() -> None:
    log_probabilities = torch.randn(1, GRID.count, 3, 4, 6, dtype=torch.float64).log_softmax(2)
    expected, pixels = 0.0, 0
    for first, second in [(0, 1), (1, 2), (2, 3), (3, 0)]:  # the last pair meets at the seam
        right = log_probabilities[:, first, :, :, 4:]
        left = log_probabilities[:, second, :, :, :2]
        for p, q in ((right, left), (left, right)):
            expected += 0.5 * F.kl_div(q, p, reduction="sum", log_target=True).item()
        pixels += 4 * 2
    assert consistency((log_probabilities,), GRID).item() == pytest.approx(expected / pixels)


def test_the_other_view_gets_no_gradient_from_a_direction() -> None:
    first = torch.randn(1, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    second = torch.randn(1, 3, 1, 1, dtype=torch.float64)
    one_sided = (
        0.5 * (first.log_softmax(1).exp() * (first.log_softmax(1) - second.log_softmax(1))).sum()
    )
    (expected,) = torch.autograd.grad(one_sided, first)
    whole = symmetric_divergence(first.log_softmax(1), second.log_softmax(1)).sum()
    (gradient,) = torch.autograd.grad(whole, first)
    # the reverse direction adds the gradient of KL(sg q || p) = 0 through log p alone
    reverse = -0.5 * (second.softmax(1) * first.log_softmax(1)).sum()
    assert not torch.allclose(expected, torch.autograd.grad(reverse, first)[0])
    torch.testing.assert_close(gradient, expected)


def test_gradients_are_right() -> None:
    logits = torch.randn(1, GRID.count, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    consistency((logits.log_softmax(2),), GRID).backward()
    assert logits.grad is not None
    inside = logits.grad[:, :, :, :, 2:4]  # pixels of one window only
    assert torch.equal(inside, torch.zeros_like(inside))
    assert logits.grad[:, :, :, :, :2].abs().sum() > 0


def test_without_overlaps_there_is_nothing_to_agree_on() -> None:
    apart = WindowGrid.cover((4, 16), (4, 4), (4, 4))
    assert consistency((torch.randn(1, 4, 2, 4, 4).log_softmax(2),), apart).item() == 0


def test_the_squared_difference_is_torchs_mse_of_probabilities() -> None:
    first, second = (torch.randn(2, 5, 3, 4).log_softmax(1) for _ in range(2))
    expected = F.mse_loss(first.exp(), second.exp())
    torch.testing.assert_close(squared_difference(first, second).mean(), expected)
    opposite = torch.tensor([[0.0, -1e9], [-1e9, 0.0]])[:, :, None, None]
    torch.testing.assert_close(
        squared_difference(opposite[:1], opposite[1:]), torch.ones(1, 1, 1)
    )  # 2 / K


def test_mse_is_taken_where_windows_overlap() -> None:
    log_probabilities = torch.randn(1, GRID.count, 3, 4, 6).log_softmax(2)
    probabilities = log_probabilities[0].exp()
    squares = []
    for first, second in [(0, 1), (1, 2), (2, 3), (3, 0)]:
        right, left = probabilities[first, :, :, 4:], probabilities[second, :, :, :2]
        squares.append((right - left).square().mean())
    found = consistency((log_probabilities,), GRID, "mse")
    torch.testing.assert_close(found, torch.stack(squares).mean())


@pytest.mark.parametrize("distance", ["divergence", "mse"])
def test_crossed_windows_must_agree_with_those_of_the_other_family(distance) -> None:
    windows = CrossedWindows.cover((4, 8), (2, 8), (2, 8), (4, 4), (4, 4))
    whole, other = torch.randn(2, 1, 5, 4, 8).log_softmax(2)
    assert consistency(extract_families(whole, windows), windows, distance).abs() < 1e-6
    horizontal, _ = extract_families(whole, windows)
    # each pixel lies in one window of each family, so that the mean is that over all pixels
    pair = (horizontal, windows.vertical.extract(other))
    apart = symmetric_divergence if distance == "divergence" else squared_difference
    expected = apart(whole, other).mean()
    torch.testing.assert_close(consistency(pair, windows, distance), expected)
