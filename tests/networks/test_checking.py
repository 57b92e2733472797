from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from goodsam_pl.networks import check_logits
from goodsam_pl.taxonomy import get_taxonomy

CAMVID = get_taxonomy("camvid-11")


class Answering(nn.Module):
    """Answers whatever it is made to answer."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Drawing(nn.Module):
    """Draws random numbers, and has statistics that training would change."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 11, 1), nn.BatchNorm2d(11), nn.Dropout())

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == self.layers[0].weight.dtype
        return self.layers(images) + torch.rand(1).to(images.dtype)


def test_a_logit_for_each_class_and_pixel_passes() -> None:
    check_logits(Answering(torch.zeros(1, 11, 64, 128)), CAMVID, "student")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_that_is_checked_stays_as_it_was(dtype: torch.dtype) -> None:
    network = Drawing().to(dtype).train()
    network.layers[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    check_logits(network, CAMVID, "student")
    assert torch.equal(torch.get_rng_state(), generator)
    assert [layer.training for layer in network.layers] == [True, False, True]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((1, 19, 64, 128), "student: Answering gives 19 logits .* but camvid-11 has 11 classes"),
        ((1, 64, 128), r"student: Answering gives a shape of \(1, 64, 128\) logits"),
        ((1, 11, 16, 32), "student: Answering gives logits of 16×32 for an image of 64×128"),
    ],
)
def test_other_shapes_are_refused(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_logits(Answering(torch.zeros(shape)), CAMVID, "student")


def test_a_dictionary_is_refused_and_the_way_out_named() -> None:
    answer = {"out": torch.zeros(1, 11, 64, 128)}
    with pytest.raises(TypeError, match=r"teacher: Answering returns a dict.*CustomNetwork"):
        check_logits(Answering(answer), CAMVID, "teacher")


@pytest.mark.parametrize("kind", [AssertionError, RuntimeError, ValueError])
def test_a_network_that_is_built_for_another_size_is_not_judged(kind: type[Exception]) -> None:
    check_logits(Answering(kind("518×518 only")), CAMVID, "student")
