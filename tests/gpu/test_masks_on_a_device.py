"""Masks that a device finds are the CPU's, and those of SAM's own generator on that device."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything import SamAutomaticMaskGenerator
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.comparison import compare_masks
from goodsam_pl.sam import PanoramaMaskGenerator, SegmentAnything
from goodsam_pl.streetworld import make_city, view

SAME = 0.99
"""IoU of masks that differ by rounding alone."""
FEW = 0.02
"""Of masks, that rounding may take across a threshold."""


@pytest.fixture(scope="module")
def street() -> Tensor:
    image = view(0, make_city("target"), "equirectangular").image
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[:, :, 300:684].contiguous()


def _proposer(device: torch.device | str, precision: str = "32-true") -> SegmentAnything:
    proposer = SegmentAnything(points_per_side=6, minimum_area=1, precision=precision)
    proposer.to(device)
    return proposer


def _assert_same(found: WindowMasks, expected: WindowMasks) -> None:
    assert len(expected) > 4
    compared = compare_masks(expected, found, SAME)
    assert compared.paired >= (1 - FEW) * compared.reference
    assert abs(compared.found - compared.reference) <= FEW * compared.reference


def test_windows_have_the_masks_that_they_have_on_the_cpu(
    street: Tensor, device: torch.device
) -> None:
    cut = torch.stack([street[:, :, :192], street[:, :, 192:]])
    expected, found = (_proposer(at).propose(cut) for at in ("cpu", device))
    for one, other in zip(found, expected, strict=True):
        _assert_same(one, other)
        assert one.predicted_iou.device.type == "cpu"


def test_they_are_those_of_the_stock_generator_on_the_same_device(
    street: Tensor, device: torch.device
) -> None:
    window = street[:, :, :192]
    proposer = _proposer(device)
    (found,) = proposer.propose(window[None])
    stock = SamAutomaticMaskGenerator(
        proposer._sam,
        points_per_side=6,
        pred_iou_thresh=proposer.predicted_iou_threshold,
        stability_score_thresh=proposer.stability_threshold,
        stability_score_offset=proposer.stability_offset,
        box_nms_thresh=proposer.box_nms_threshold,
    ).generate(window.permute(1, 2, 0).numpy())
    binary = torch.from_numpy(np.stack([each["segmentation"] for each in stock]))
    scores = torch.tensor([[each["predicted_iou"], each["stability_score"]] for each in stock])
    _assert_same(found, WindowMasks.pack(binary, scores[:, 0], scores[:, 1]))


@pytest.mark.parametrize("points", ["all", "unexplained"])
def test_a_panorama_has_the_masks_that_it_has_on_the_cpu(
    street: Tensor, device: torch.device, points: str
) -> None:
    windows = WindowGrid.cover((192, 384), (192, 192), (192, 192))
    expected, found = (
        PanoramaMaskGenerator(_proposer(at), windows, points).propose(street[None])[0]
        for at in ("cpu", device)
    )
    _assert_same(found, expected)


def test_sixteen_bits_find_most_of_them(street: Tensor, device: torch.device) -> None:
    window = street[None, :, :, :192]
    (expected,) = _proposer(device).propose(window)
    (found,) = _proposer(device, "bf16-mixed").propose(window)
    assert found.predicted_iou.dtype == torch.float32
    assert compare_masks(expected, found, least_iou=0.5).matched_share > 0.6
