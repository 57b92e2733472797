"""SegFormer's all-MLP decoder, reordered to cost a fraction.

The decoder projects the features of four stages to D channels each, enlarges them to stride 4,
and fuses the 4·D channels by one 1×1 convolution. All of that is linear, and a 1×1 convolution
commutes with bilinear interpolation: both projections can be one small matrix for each stage, used
before the enlargement. The result and every gradient are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from segmentation_models_pytorch.base import SegmentationModel
from segmentation_models_pytorch.decoders.segformer.decoder import SegformerDecoder
from torch import Tensor, nn

__all__ = ["FoldedSegformerDecoder", "fold_decoder"]


def fold_decoder(model: SegmentationModel) -> SegmentationModel:
    """Give a SegFormer the folded decoder, in place; other architectures stay as they are."""
    if isinstance(model.decoder, SegformerDecoder):
        model.decoder = FoldedSegformerDecoder(model.decoder)
    return model


class FoldedSegformerDecoder(nn.Module):
    """The decoder of ``smp.Segformer`` with its own parameters, under their own names.

    For stage i with features x_i, projection (A_i, a_i) and its columns F_i of the fusing
    convolution: fuse(cat_i(up(A_i x_i + a_i))) = Σ_i up(F_i A_i x_i) + Σ_i F_i a_i.

    Args:
        decoder: smp's; its parameters are taken over, not copied.

    Shape:
        - input: six feature maps from stride 1 to 32, the second of no channels (as smp's
          ``mit_b*`` encoders give them) or of any that are left out alike;
        - output ``(B, D, H / 4, W / 4)``.
    """

    def __init__(self, decoder: SegformerDecoder) -> None:
        super().__init__()
        self.mlp_stage = decoder.mlp_stage
        self.fuse_stage = decoder.fuse_stage
        self.enlarge: Callable[[Tensor, tuple[int, int]], Tensor] = _enlarge

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Fuse the feature maps of the encoder."""
        size = (features[0].shape[2] // 4, features[0].shape[3] // 4)
        stages = features[2:] if features[1].shape[1] == 0 else features[1:]
        fuse, *normalise_and_activate = self.fuse_stage
        columns = fuse.weight.flatten(1).chunk(len(self.mlp_stage), dim=1)
        fused, bias = [], []
        for stage, mlp, column in zip(reversed(stages), self.mlp_stage, columns, strict=True):
            projection = column @ mlp.linear.weight
            fused.append(self.enlarge(F.conv2d(stage, projection[:, :, None, None]), size))
            bias.append(column @ mlp.linear.bias)
        output = sum(fused[1:], fused[0]) + torch.stack(bias).sum(dim=0)[:, None, None]
        for layer in normalise_and_activate:
            output = layer(output)
        return output


def _enlarge(features: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(features.shape[2:]) == size:
        return features
    return F.interpolate(features, size=size, mode="bilinear")
