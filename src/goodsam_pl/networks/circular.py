"""Networks that see the circle: what lies left of a panorama's first column is its last.

Zero padding shows a convolution where the image ends, but a panorama has no end in width: the seam
is an arbitrary meridian. Three things make a SegFormer know it: the padding of its convolutions,
and the two enlargements of its decoder and head. Its attention has no padding and no positions.
With all three wrapped, the network commutes with rolls by multiples of its stride. Weights stay as
they are, under the same names; GoodSAM does not say whether it does this (our choice). Other
networks wrap what pads, and what enlarges, in the same way.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from segmentation_models_pytorch import Segformer
from segmentation_models_pytorch.base import SegmentationModel
from segmentation_models_pytorch.encoders.mix_transformer import MixVisionTransformerEncoder
from torch import Tensor, nn

from goodsam_pl.networks.segformer_decoder import FoldedSegformerDecoder

__all__ = ["CircularUpsample", "close_circle", "enlarge_circular", "wrap_padding"]


def close_circle(model: SegmentationModel) -> SegmentationModel:
    """Wrap a SegFormer in width, in place, whether its weights are there already or come later.

    Raises:
        ValueError: another architecture, whose parts are not known to wrap.
    """
    encoder = model.encoder
    known = isinstance(model, Segformer) and isinstance(encoder, MixVisionTransformerEncoder)
    if not known:
        raise ValueError(
            f"circular is for a segformer on a mit_* encoder, this is {type(model).__name__} on "
            f"{type(encoder).__name__}: leave circular out"
        )
    wrap_padding(model)
    for module in model.modules():
        if isinstance(module, FoldedSegformerDecoder):
            module.enlarge = enlarge_circular
    head = model.segmentation_head
    for name, module in head.named_children():
        if isinstance(module, nn.Upsample) and isinstance(module.scale_factor, float):
            setattr(head, name, CircularUpsample(int(module.scale_factor)))
    return model


def wrap_padding(network: nn.Module) -> None:
    """Let convolutions and maximum pooling go on across the seam, in place.

    Args:
        network: whose parts pad by numbers of pixels.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d):
            height, width = _pair(module.padding)
            if width:
                # by a hook before the module, so that it and its weights stay the same
                module.padding = (height, 0)
                module.register_forward_pre_hook(partial(_wrap_input, width=width))


class CircularUpsample(nn.Module):
    """:func:`enlarge_circular` by a whole factor.

    The head of smp enlarges with aligned corners, which stretches the image by a few pixels in
    width; on a circle there are no corners.

    Args:
        factor: how many times larger.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C, factor · H, factor · W)``."""
        height, width = features.shape[-2:]
        return enlarge_circular(features, (self.factor * height, self.factor * width))


def enlarge_circular(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate bilinearly, across the seam in width and up to the border in height.

    Args:
        features: ``(B, C, H, W)``.
        size: height and width wanted, the width a multiple of W.
    """
    width = features.shape[-1]
    if tuple(features.shape[-2:]) == size:
        return features
    factor = size[1] // width
    around = _wrap(features, 1)
    enlarged = F.interpolate(around, size=(size[0], factor * (width + 2)), mode="bilinear")
    return enlarged[..., factor:-factor]


def _pair(padding: object) -> tuple[int, int]:
    height, width = padding if isinstance(padding, tuple) else (padding, padding)
    return int(height), int(width)


def _wrap_input(_: nn.Module, inputs: tuple[Tensor], width: int) -> tuple[Tensor]:
    (features,) = inputs
    return (_wrap(features, width),)


def _wrap(features: Tensor, width: int) -> Tensor:
    if width > features.shape[-1]:  # a wide dilation looks around the circle more than once
        columns = torch.arange(-width, features.shape[-1] + width, device=features.device)
        return features.index_select(-1, columns % features.shape[-1])
    # F.pad would answer in another memory format than SegFormer's channels last, at a third of the
    # time of a training step
    return torch.cat([features[..., -width:], features, features[..., :width]], dim=-1)
