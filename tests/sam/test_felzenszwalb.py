"""Segments of pictures whose segments are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.masks import MaskProposer
from goodsam_pl.sam import Felzenszwalb


@pytest.fixture
def quarters() -> Tensor:
    """``(1, 3, 32, 32)``: four quarters of very different colours."""
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]])
    quarter = torch.arange(32) // 16
    return colours[2 * quarter[:, None] + quarter].permute(2, 0, 1)[None].to(torch.uint8)


def test_flat_areas_are_the_segments(quarters: Tensor) -> None:
    found = Felzenszwalb(sigma=0.0).propose(quarters)[0]
    assert found.areas.tolist() == [256] * 4
    assert torch.equal(found.binary().sum(dim=0), torch.ones(32, 32, dtype=torch.int64))
    assert found.predicted_iou.tolist() == [1.0] * 4
    assert found.logits is None


def test_a_segment_that_no_other_scale_has_scores_low(quarters: Tensor) -> None:
    noise = torch.randint(0, 90, (1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    noisy = (quarters // 2 + noise.to(torch.uint8)).clamp(max=255)
    found = Felzenszwalb(scales=(1.0, 2000.0), minimum_area=4).propose(noisy)[0]
    assert found.predicted_iou.min() < 0.3
    assert ((found.predicted_iou > 0) & (found.predicted_iou <= 1)).all()


def test_the_segments_of_one_scale_cover_every_pixel_once(street_image: Tensor) -> None:
    found = Felzenszwalb(scales=(100.0,)).propose(street_image[None, :, :, :192])[0]
    assert len(found) > 5
    assert (found.binary().sum(dim=0) == 1).all()
    assert found.predicted_iou.tolist() == [1.0] * len(found)


def test_equal_segments_of_two_scales_are_kept_once(quarters: Tensor) -> None:
    assert len(Felzenszwalb(scales=(50.0, 60.0, 70.0), sigma=0.0).propose(quarters)[0]) == 4


def test_it_is_a_proposer_with_a_fingerprint_of_its_parameters() -> None:
    proposers = [Felzenszwalb(), Felzenszwalb(sigma=0.5), Felzenszwalb(scales=(50.0,))]
    assert all(isinstance(proposer, MaskProposer) for proposer in proposers)
    assert len({proposer.fingerprint for proposer in proposers}) == 3
    assert Felzenszwalb(scales=(450, 50, 150)).fingerprint == proposers[0].fingerprint


def test_scales_must_be_positive() -> None:
    with pytest.raises(ValueError, match="scales"):
        Felzenszwalb(scales=())
    with pytest.raises(ValueError, match="scales"):
        Felzenszwalb(scales=(0.0,))
