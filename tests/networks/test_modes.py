"""Asking a network leaves it in its modes, and its running statistics as they were."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from goodsam_pl.networks import evaluating, keeping_statistics


class OwnNorm(nn.Module):
    """A normalisation of nobody's library: the mean of all that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 4, 1, 1))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, features: Tensor) -> Tensor:
        if self.training:
            self.seen += 1
            self.mean.lerp_(features.detach().mean((0, 2, 3), keepdim=True), 1 / self.seen)
        return features - self.mean


def _network(*norms: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), *norms, nn.Conv2d(4, 4, 1))


@pytest.mark.parametrize(
    "norm",
    [
        lambda: nn.BatchNorm2d(4),
        lambda: nn.BatchNorm2d(4, momentum=None),
        lambda: nn.InstanceNorm2d(4, track_running_stats=True),
        OwnNorm,
    ],
)
def test_an_answer_in_training_mode_teaches_no_statistics(norm) -> None:
    first, second = torch.randn(2, 2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    network, twin = _network(norm()), _network(norm())
    outer = network(first)  # its backward comes after the further look
    twin(first)
    before = {name: value.clone() for name, value in network.named_buffers()}
    with keeping_statistics(network):
        further = network(second)
    assert torch.equal(further, twin(second))  # what training mode says
    for name, value in network.named_buffers():
        assert torch.equal(value, before[name]), name
    outer.sum().backward()
    assert network[0].weight.grad is not None
    network(second)
    assert any(not torch.equal(value, before[name]) for name, value in network.named_buffers())


def test_every_part_is_in_its_own_mode_again() -> None:
    network = _network(nn.BatchNorm2d(4), nn.Dropout())
    network[1].eval()
    modes = [part.training for part in network.modules()]
    with evaluating(network):
        assert not any(part.training for part in network.modules())
    assert [part.training for part in network.modules()] == modes
    with pytest.raises(ValueError, match="seven"), evaluating(network):
        raise ValueError("seven")
    assert [part.training for part in network.modules()] == modes
    with evaluating(abs), keeping_statistics(abs):  # a function has no mode
        pass
