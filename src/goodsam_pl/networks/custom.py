"""Any network, made to speak as ours do."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.networks.network_state import load_weights

__all__ = ["CustomNetwork"]


class CustomNetwork(nn.Module):
    """Any ``torch.nn.Module`` as teacher assistant or student, with the weights of any training.

    Takes the logits out of what the network returns: a tensor, or the ``"out"`` of a dictionary,
    as torchvision's have it. Logits of another stride are enlarged to the size of the image.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, h, w)``.
        weights: a path, as for :class:`goodsam_pl.networks.SegmentationNetwork`: safetensors, a
            state dict of the network, or a checkpoint of any of our trainings of it, wrapped or
            not. ``None`` leaves the network as it is.

    Shape:
        - input ``(B, 3, H, W)``, float32, ImageNet-normalised;
        - output logits ``(B, K, H, W)``.
    """

    def __init__(self, network: nn.Module, weights: str | None = None) -> None:
        super().__init__()
        self.network = network
        if weights is not None:
            load_weights(self, weights)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.

        Raises:
            TypeError: the network returns neither a tensor nor a dictionary with ``"out"``.
        """
        answer = self.network(images)
        if isinstance(answer, Mapping) and isinstance(answer.get("out"), Tensor):
            answer = answer["out"]
        if not isinstance(answer, Tensor):
            raise TypeError(
                f"{type(self.network).__name__} returns {_kind(answer)}: logits are a tensor "
                "(B, K, H, W), or the entry 'out' of a dictionary"
            )
        size = images.shape[-2:]
        if answer.ndim == 4 and answer.shape[-2:] != size:
            answer = F.interpolate(answer, size=size, mode="bilinear")
        return answer


def _kind(answer: object) -> str:
    if isinstance(answer, Mapping):
        return f"a dictionary of {sorted(map(str, answer))}"
    return f"a {type(answer).__name__}"
