"""A network with all that stands around it: 8-bit pixels in, logits or labels out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from goodsam_pl.data.normalization import IMAGENET_MEAN, IMAGENET_STD

__all__ = ["Output", "Uint8Network", "is_circular", "stride_of"]

Output = Literal["labels", "logits"]


class Uint8Network(nn.Module):
    """Normalisation and, where it is asked for, the choice of a class, inside of one module.

    It is written without branches on sizes, so that it can be traced for any of them. Where
    :class:`goodsam_pl.networks.SegmentationNetwork` extends an image to its stride, the same is
    done here, by indices.

    Args:
        network: maps normalised images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        output: what comes out.

    Shape:
        - input RGB ``(B, 3, H, W)``, uint8;
        - output logits ``(B, K, H, W)``, float32, or labels ``(B, H, W)``, uint8.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, output: Output = "logits") -> None:
        super().__init__()
        self.network = network
        self.output = output
        self._stride = stride_of(network)
        self._is_circular = is_circular(network)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Label images, or tell the logits of their pixels."""
        height, width = images.shape[-2:]
        normalized = (images.to(torch.float32) / 255 - self.mean) / self.std
        extended = self._extend(normalized, -2)
        if not self._is_circular:  # a circle has no border to extend: its width fits
            extended = self._extend(extended, -1)
        logits: Tensor = self.network(extended)[..., :height, :width]
        return logits if self.output == "logits" else logits.argmax(dim=1).to(torch.uint8)

    def _extend(self, images: Tensor, side: int) -> Tensor:
        """Repeat the last row or column up to the next multiple of the stride."""
        if self._stride == 1:
            return images
        length = images.shape[side]
        whole = (length + self._stride - 1) // self._stride * self._stride
        places = torch.arange(whole, device=images.device).clamp(max=length - 1)
        return images.index_select(side, places)


def stride_of(network: nn.Module) -> int:
    """Multiples of how many pixels an encoder of segmentation-models-pytorch takes; else 1."""
    encoders = (getattr(part, "encoder", None) for part in network.modules())
    strides = (getattr(encoder, "output_stride", 1) for encoder in encoders)
    return max(map(int, strides), default=1)


def is_circular(network: nn.Module) -> bool:
    """Whether the network sees the circle, see :mod:`goodsam_pl.networks.circular`."""
    return any(getattr(part, "circular", False) is True for part in network.modules())
