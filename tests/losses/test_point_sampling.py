"""Points: where they lie, how many of them are unsure ones, and values between pixels."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.losses import sample_points, values_at


def test_three_quarters_are_the_least_sure_of_three_times_as_many() -> None:
    logits = torch.randn(2, 1, 9, 7, generator=torch.Generator().manual_seed(1))
    points = sample_points(logits, 40, generator=torch.Generator().manual_seed(2))
    assert points.shape == (2, 40, 2)

    random = torch.Generator().manual_seed(2)  # the same draws, sorted by hand
    drawn, rest = torch.rand(2, 120, 2, generator=random), torch.rand(2, 10, 2, generator=random)
    for mask in range(2):
        sureness = [abs(bilinear(logits[mask, 0], point)) for point in drawn[mask].tolist()]
        least = sorted(range(120), key=sureness.__getitem__)[:30]
        expected = {tuple(drawn[mask, index].tolist()) for index in least}
        assert {tuple(point) for point in points[mask, :30].tolist()} == expected
        assert points[mask, 30:].equal(rest[mask])


def bilinear(image: torch.Tensor, point: list[float]) -> float:
    """By hand; pixels beyond the edge are 0."""
    height, width = image.shape
    x, y = point[0] * width - 0.5, point[1] * height - 0.5
    left, top = int(x // 1), int(y // 1)
    value = 0.0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        if 0 <= row < height and 0 <= column < width:
            share = (1 - abs(x - column)) * (1 - abs(y - row))
            value += share * float(image[row, column])
    return value


def test_values_are_bilinear_and_pixels_are_squares() -> None:
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    middles = torch.tensor([[[(x + 0.5) / 3, (y + 0.5) / 2] for y in range(2) for x in range(3)]])
    torch.testing.assert_close(values_at(image, middles), torch.arange(6.0)[None])
    anywhere = torch.rand(1, 9, 2, generator=torch.Generator().manual_seed(1))
    expected = [bilinear(image[0, 0], point) for point in anywhere[0].tolist()]
    torch.testing.assert_close(values_at(image, anywhere)[0], torch.tensor(expected))


def test_numbers_out_of_range_are_refused() -> None:
    for wrong in ({"count": 0}, {"oversample": 0.5}, {"uncertain": 1.5}):
        with pytest.raises(ValueError, match="at least one point"):
            sample_points(torch.zeros(1, 1, 2, 2), **wrong)
