"""A network that is asked and never trained."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from typing_extensions import Self

from goodsam_pl.networks.segmentation import FeatureNetwork, SegmentationOutput

__all__ = ["FrozenNetwork"]


class FrozenNetwork(nn.Module):
    """Keep a network as it is: in evaluation mode, without gradients, out of state dicts.

    Its weights are in a file of their own, so that state dicts of whatever contains it go without
    them, and load strictly without them: checkpoints of a student stay small, weight averaging
    finds what it expects.

    Args:
        network: from now on frozen, in place.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.register_state_dict_post_hook(_leave_out)  # type: ignore[no-untyped-call]  # torch's
        self.register_load_state_dict_pre_hook(_put_back)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """What the network says, detached."""
        answer: Tensor = self.network(images)
        return answer

    @torch.no_grad()
    def forward_features(self, images: Tensor) -> SegmentationOutput:
        """As ``forward``, with the features, of a :class:`FeatureNetwork`."""
        return cast("FeatureNetwork", self.network).forward_features(images)

    def train(self, mode: bool = True) -> Self:  # whatever is asked
        """Stay in evaluation mode."""
        return super().train(False)


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str, _: object) -> None:  # noqa: ARG001
    for name in [name for name in state if name.startswith(prefix)]:
        del state[name]


def _put_back(module: FrozenNetwork, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Give loading what it asks for: the weights that are there already."""
    state.update(module.network.state_dict(prefix=f"{prefix}network."))
