"""A network that is asked and never trained."""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from goodsam_pl.networks.postponed import read_postponed
from goodsam_pl.networks.segmentation import FeatureNetwork, SegmentationOutput

__all__ = ["FrozenNetwork", "unfrozen"]


class FrozenNetwork(nn.Module):
    """Keep a network as it is: in evaluation mode, without gradients, out of state dicts.

    Its weights are in a file of their own, so that state dicts of whatever contains it go without
    them, and load strictly without them: checkpoints of a student stay small, weight averaging
    finds what it expects.

    Where its file is not there, because a checkpoint of a student was taken elsewhere, that matters
    only when the network is asked: see :mod:`goodsam_pl.networks.postponed`.

    Args:
        network: from now on frozen, in place.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.register_state_dict_post_hook(_leave_out)  # type: ignore[no-untyped-call]  # torch's
        self.register_load_state_dict_pre_hook(_put_back)  # type: ignore[no-untyped-call]

    def read_postponed(self) -> None:
        """Read the weights now if that was postponed.

        Raises:
            FileNotFoundError: they are not where the configuration says.
        """
        try:
            read_postponed(self.network)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{error}. A student's checkpoint comes without its teacher: to predict and to be "
                "scored the student needs none, to train on it does"
            ) from error

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """What the network says, detached."""
        self.read_postponed()
        answer: Tensor = self.network(images)
        return answer

    @torch.no_grad()
    def forward_features(self, images: Tensor) -> SegmentationOutput:
        """As ``forward``, with the features, of a :class:`FeatureNetwork`."""
        self.read_postponed()
        return cast("FeatureNetwork", self.network).forward_features(images)

    def train(self, mode: bool = True) -> Self:  # whatever is asked
        """Stay in evaluation mode."""
        return super().train(False)


def unfrozen(network: nn.Module) -> nn.Module:
    """The network that a :class:`FrozenNetwork` keeps; any other one as it is."""
    return network.network if isinstance(network, FrozenNetwork) else network


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str, _: object) -> None:  # noqa: ARG001
    for name in [name for name in state if name.startswith(prefix)]:
        del state[name]


def _put_back(module: FrozenNetwork, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Give loading what it asks for: the weights that are there already."""
    state.update(module.network.state_dict(prefix=f"{prefix}network."))
