"""What is seen of masks without labels: closed forms, and a loop over masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion.observables import (
    Observed,
    border_contrast,
    border_pixels,
    crossing,
    disagreement,
)
from goodsam_pl.fusion.runs import WindowRuns

BLOCK = torch.full((1, 1, 6, 10), -1)
BLOCK[..., 1:5, 2:8] = 0


def _at(mask: np.ndarray, row: int, column: int, circular: bool) -> bool | None:
    """Whether a pixel is in a mask; ``None`` beyond the picture."""
    height, width = mask.shape
    if circular:
        column %= width
    inside = 0 <= row < height and 0 <= column < width
    return bool(mask[row, column]) if inside else None


def _neighbours(row: int, column: int, distance: int) -> list[tuple[int, int]]:
    return [
        (row - distance, column),
        (row + distance, column),
        (row, column - distance),
        (row, column + distance),
    ]


@pytest.mark.parametrize("circular", [False, True])
def test_a_border_is_where_the_outside_is_near(scene, circular: bool) -> None:
    layers = scene.layers.flatten(0, 1)
    found = border_pixels(layers, 2, circular=circular)
    for window, layer in ((0, 3), (5, 6)):
        mask = (layers[window, layer] >= 0).numpy()
        expected = np.zeros_like(mask)
        for row, column in np.argwhere(mask):
            around = [
                _at(mask, *place, circular)
                for distance in (1, 2)
                for place in _neighbours(row, column, distance)
            ]
            expected[row, column] = False in around
        np.testing.assert_array_equal(found[window, layer].numpy(), expected)


def test_the_seam_is_no_border_of_a_panorama() -> None:
    across = torch.full((1, 1, 3, 8), -1)
    across[..., :2] = across[..., 6:] = 0
    assert border_pixels(across, 1, circular=True)[0, 0, 0].nonzero().flatten().tolist() == [1, 6]
    assert not border_pixels(BLOCK, 0, circular=True).any()


def test_contrast_is_the_share_of_the_border_that_divides_labels() -> None:
    labels = (BLOCK[:, 0] >= 0).long()
    assert border_contrast(labels, BLOCK, 1, 1, circular=True).item() == 1
    assert border_contrast(torch.zeros_like(labels), BLOCK, 1, 1, circular=True).item() == 0
    labels[..., 2:, :] = 0  # a row is left: its 6 above, 1 on each side, of 2 · 6 + 2 · 4
    assert border_contrast(labels, BLOCK, 1, 1, circular=True).item() == pytest.approx(8 / 20)


@pytest.mark.parametrize("circular", [False, True])
def test_contrast_is_that_of_a_loop_over_pixels(scene, circular: bool) -> None:
    layers, span = scene.layers.flatten(0, 1), 3
    labels = scene.probabilities.flatten(0, 1).argmax(1)
    found = border_contrast(labels, layers, 7, span, circular=circular)
    for window, mask_id in ((0, 2), (3, 6)):
        mask, said = (layers[window, mask_id] >= 0).numpy(), labels[window].numpy()
        pairs = divided = 0
        for row, column in np.argwhere(mask):
            for place in _neighbours(row, column, span):
                if _at(mask, *place, circular) is False:
                    pairs += 1
                    divided += said[row, column] != said[place[0], place[1] % mask.shape[1]]
        assert found[window, mask_id].item() == pytest.approx(divided / max(pairs, 1))


def test_disagreement_is_nothing_where_all_say_the_same_and_log_k_at_most() -> None:
    shares = torch.tensor([[0.5, 0.25, 0.25], [0.7, 0.2, 0.1]], dtype=torch.float64)
    own = torch.special.entr(shares).sum(-1)
    assert disagreement(shares, own).tolist() == [0, 0]
    even = torch.full((1, 3), 1 / 3, dtype=torch.float64)
    assert disagreement(even, torch.zeros(1)).item() == pytest.approx(np.log(3))


def test_the_mean_of_a_set_is_by_area() -> None:
    area = torch.tensor([[30.0, 0.0], [10.0, 0.0]])
    seen = Observed(area, area, area, area)
    contrast = torch.tensor([[0.2, 0.5], [1.0, 0.5]])
    torch.testing.assert_close(seen.mean(contrast), torch.tensor([[0.4, 0.0]]))


def _crossing(layers: Tensor) -> Tensor:
    softmax = torch.full((1, 2, *layers.shape[-2:]), 0.5)
    runs = WindowRuns.of(softmax, layers)
    return crossing(runs.masks, runs.lengths, runs.mask_count)[1:]


def test_masks_that_nest_or_lie_apart_do_not_cross() -> None:
    layers = torch.full((1, 2, 4, 8), -1)
    layers[0, 0, :, :6], layers[0, 1, 1:3, 1:3], layers[0, 1, :, 6:] = 0, 2, 1
    assert _crossing(layers).tolist() == [0, 0, 0]


def test_masks_cross_by_what_they_share_and_do_not_hold() -> None:
    layers = torch.full((1, 2, 4, 8), -1)
    layers[0, 0, :, :6] = 0  # 24 pixels
    layers[0, 1, :, 5:] = 1  # 12 pixels, 4 of them shared
    apart = 4 * (1 - 4 / 12)
    torch.testing.assert_close(_crossing(layers).tolist(), [apart / 24, apart / 12])
