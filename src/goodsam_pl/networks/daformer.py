"""An encoder of segmentation-models-pytorch under DAFormer's head, which smp does not have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import segmentation_models_pytorch as smp
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.networks.daformer_head import DAFormerHead
from goodsam_pl.networks.network_state import load_weights
from goodsam_pl.networks.postponed import is_postponed, postpone
from goodsam_pl.networks.segmentation import SegmentationOutput, pad_to_stride
from goodsam_pl.networks.smp_models import fill_from_imagenet

__all__ = ["DAFORMER", "DAFormerNetwork"]

DAFORMER = "goodsam_pl.networks.DAFormerNetwork"
"""How descriptions call the class."""

_STAGES = 4


class DAFormerNetwork(nn.Module):
    """A Mix Transformer with the head of DAFormer (arXiv 2111.14887).

    Args:
        encoder: a backbone of smp with four stages (``mit_b0`` … ``mit_b5``).
        classes: number of logits K.
        weights: as for :class:`goodsam_pl.networks.SegmentationNetwork`: ``None``, ``imagenet`` or
            a path.
        channels: D of the head, see :class:`goodsam_pl.networks.daformer_head.DAFormerHead`.
        dilations: of its branches.
        dropout: before its classes are read.

    Shape:
        - input ``(B, 3, H, W)``, float32, ImageNet-normalised, any H and W;
        - output logits ``(B, K, H, W)``.
    """

    def __init__(
        self,
        encoder: str = "mit_b5",
        classes: int = 19,
        weights: str | None = None,
        channels: int = 256,
        dilations: Sequence[int] = (1, 6, 12, 18),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.arguments: dict[str, str | int | float | list[int]] = {
            "encoder": encoder,
            "classes": classes,
            "channels": channels,
            "dilations": list(dilations),
            "dropout": dropout,
        }
        from_hub = weights == "imagenet" and not is_postponed()
        self.encoder = smp.encoders.get_encoder(encoder, weights="imagenet" if from_hub else None)
        self.head = DAFormerHead(self.feature_channels, classes, channels, dilations, dropout)
        if weights == "imagenet" and is_postponed():
            postpone(self, partial(fill_from_imagenet, self.encoder, encoder))
        elif weights not in (None, "imagenet"):
            load_weights(self, weights)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        return self.forward_features(images).logits

    def forward_features(self, images: Tensor) -> SegmentationOutput:
        """As :meth:`forward`, with the features of the four stages."""
        features = self.encode(images)
        logits = self.decode(features, (images.shape[-2], images.shape[-1]))
        return SegmentationOutput(features, logits)

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Features of the four stages, of the image extended to the encoder's stride.

        Args:
            images: ``(B, 3, H, W)``.

        Returns:
            For each stage ``(B, C_l, h_l, w_l)``, from fine to coarse.
        """
        extended = pad_to_stride(images, self.encoder.output_stride)
        return tuple(self.encoder(extended)[-_STAGES:])

    def decode(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Read the classes from features.

        Args:
            features: as :meth:`encode` gives them.
            size: height and width of the image, pixels.

        Returns:
            Logits ``(B, K, H, W)``.
        """
        stride: int = self.encoder.output_stride
        height, width = features[-1].shape[-2:]
        extended = (height * stride, width * stride)
        logits = F.interpolate(self.head(features), size=extended, mode="bilinear")
        return logits[..., : size[0], : size[1]]

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels C_l of the four stages."""
        return tuple(self.encoder.out_channels[-_STAGES:])
