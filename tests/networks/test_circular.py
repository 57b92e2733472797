"""A circular network has no seam."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.networks.circular import CircularUpsample, enlarge_circular


@pytest.fixture
def image() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(1, 3, 64, 256)


def _network(*, circular: bool) -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(classes=5, circular=circular).eval()


@pytest.mark.parametrize("shift", [32, 96, -64, 224])
def test_a_rolled_panorama_has_the_rolled_answer(image: torch.Tensor, shift: int) -> None:
    network = _network(circular=True)
    with torch.no_grad():
        rolled_answer = network(image).roll(shift, dims=-1)
        torch.testing.assert_close(
            network(image.roll(shift, dims=-1)), rolled_answer, rtol=1e-4, atol=1e-5
        )


def test_without_it_the_seam_shows(image: torch.Tensor) -> None:
    network = _network(circular=False)
    with torch.no_grad():
        difference = network(image.roll(96, dims=-1)) - network(image).roll(96, dims=-1)
    assert difference.abs().max() > 1e-2


def test_weights_fit_either_way() -> None:
    plain, circular = _network(circular=False), _network(circular=True)
    circular.load_state_dict(plain.state_dict())
    assert list(plain.state_dict()) == list(circular.state_dict())


def test_a_convolution_wraps_in_width_and_pads_with_zeros_in_height(image: torch.Tensor) -> None:
    plain, circular = (_network(circular=wrapped).model.encoder for wrapped in (False, True))
    ours, theirs = circular.patch_embed1.proj, plain.patch_embed1.proj
    around = torch.cat([image[..., -3:], image, image[..., :3]], dim=-1)
    expected = nn.functional.conv2d(around, theirs.weight, theirs.bias, stride=4, padding=(3, 0))
    torch.testing.assert_close(ours(image), expected)


def test_an_enlargement_interpolates_across_the_seam() -> None:
    enlarged = enlarge_circular(torch.tensor([[[[0.0, 4.0, 8.0, 4.0]]]]), (1, 8))
    assert enlarged.flatten().tolist() == [1, 1, 3, 5, 7, 7, 5, 3]


def test_away_from_the_seam_an_enlargement_is_the_usual_one(image: torch.Tensor) -> None:
    usual = nn.functional.interpolate(image, scale_factor=4, mode="bilinear")
    ours = CircularUpsample(4)(image)
    torch.testing.assert_close(ours[..., 4:-4], usual[..., 4:-4])


def test_a_width_that_the_stride_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"multiples of 32, these images are 250 wide"):
        _network(circular=True)(torch.zeros(1, 3, 64, 250))


def test_other_architectures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"this is Unet on .*: leave circular out"):
        SegmentationNetwork("unet", "resnet18", circular=True)
