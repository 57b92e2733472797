"""Two windows of one row of six pixels, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion.runs import WindowRuns

LABELS = torch.tensor([[0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
SURE, UNSURE = 0.75, 0.25


@pytest.fixture
def probabilities() -> Tensor:
    """``(2, 2, 1, 6)``, of which the label has three quarters."""
    one_hot = torch.nn.functional.one_hot(LABELS, 2).movedim(-1, 1)[:, :, None]
    return torch.where(one_hot.bool(), SURE, UNSURE)


@pytest.fixture
def masks() -> Tensor:
    """``(2, 2, 1, 6)``: in the first window a large mask, a small one in it, and one beside it."""
    layers = torch.full((2, 2, 1, 6), -1, dtype=torch.int16)
    layers[0, 0, 0] = torch.tensor([-1, -1, 0, 0, 0, 2])
    layers[0, 1, 0] = torch.tensor([-1, -1, -1, -1, 1, -1])
    return layers


def test_a_run_ends_where_the_label_a_mask_or_the_window_does(
    probabilities: Tensor, masks: Tensor
) -> None:
    runs = WindowRuns.of(probabilities, masks)
    assert runs.lengths.tolist() == [2, 1, 1, 1, 1, 6]
    assert runs.windows.tolist() == [0, 0, 0, 0, 0, 1]
    assert runs.labels.tolist() == [0, 0, 1, 1, 1, 1]
    # mask m of window 0 of 2 has the number 1 + 2 m
    assert runs.masks.tolist() == [[0, 1, 1, 1, 5, 0], [0, 0, 0, 3, 0, 0]]
    assert runs.topmost.tolist() == [0, 1, 1, 3, 5, 0]
    assert runs.confidence.tolist() == [SURE] * 12


def test_it_counts_windows_classes_and_masks(probabilities: Tensor, masks: Tensor) -> None:
    runs = WindowRuns.of(probabilities, masks)
    assert (runs.window_count, runs.classes) == (2, 2)
    assert runs.masks_per_window == 3
    assert runs.mask_count == 7
    without = WindowRuns.of(probabilities, torch.full_like(masks, -1))
    assert (without.masks_per_window, without.mask_count) == (1, 3)


def test_sums_are_over_the_pixels_of_a_run(probabilities: Tensor, masks: Tensor) -> None:
    runs = WindowRuns.of(probabilities, masks)
    assert runs.sums(torch.arange(12)).tolist() == [0 + 1, 2, 3, 4, 5, 6 + 7 + 8 + 9 + 10 + 11]


def test_pixels_get_what_holds_for_their_run(probabilities: Tensor, masks: Tensor) -> None:
    runs = WindowRuns.of(probabilities, masks)
    labels, topmost = runs.pixels(runs.labels, runs.topmost)
    assert torch.equal(labels, LABELS[:, None])
    assert topmost[0, 0].tolist() == [0, 0, 1, 1, 3, 5]


def test_panoramas_in_front_of_windows_are_counted_through(
    probabilities: Tensor, masks: Tensor
) -> None:
    runs = WindowRuns.of(
        probabilities[None].expand(3, -1, -1, -1, -1), masks[None].repeat(3, 1, 1, 1, 1)
    )
    assert runs.window_count == 6
    (windows,) = runs.pixels(runs.windows)
    assert windows[..., 0, 0].tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_decided_on_in_single(
    probabilities: Tensor, masks: Tensor, dtype: torch.dtype
) -> None:
    runs = WindowRuns.of(probabilities.to(dtype), masks)
    assert runs.confidence.dtype == torch.float32
    assert runs.probabilities.dtype == dtype


def test_what_does_not_belong_together_is_refused(probabilities: Tensor, masks: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(1, 2, 1, 6\) do not belong .* \(2, 2, 1, 6\)"):
        WindowRuns.of(probabilities, masks[:1])
    with pytest.raises(ValueError, match="expected"):
        WindowRuns.of(probabilities[0], masks[0])
    with pytest.raises(ValueError, match="no layer of masks"):
        WindowRuns.of(probabilities, masks[:, :0])
    with pytest.raises(ValueError, match="256 classes: labels are bytes"):
        WindowRuns.of(probabilities[:, :1].expand(-1, 256, -1, -1), masks)
