"""DeepLab-v2 (arXiv 1606.00915): a dilated encoder of segmentation-models-pytorch under our head.

smp has DeepLab-v3 and v3+, not the v2 that weakly supervised papers compare with. Its encoders can
be dilated (``output_stride``): the last two stages of a ResNet keep stride 8, and all of their
convolutions are dilated by 2 and by 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from typing_extensions import override

from goodsam_pl.networks.circular import wrap_padding
from goodsam_pl.networks.network_state import load_weights
from goodsam_pl.networks.postponed import is_postponed, postpone
from goodsam_pl.networks.segmentation import SegmentationOutput
from goodsam_pl.networks.smp_models import fill_from_imagenet

__all__ = ["DEEPLAB_V2", "DeepLabV2Head", "DeepLabV2Network"]

DEEPLAB_V2 = "goodsam_pl.networks.DeepLabV2Network"
"""How descriptions call the class."""

_STAGES = 4
_STRIDE = 8


class DeepLabV2Head(nn.Module):
    """The paper's ASPP-L: dilated 3×3 convolutions side by side, each to the classes, summed.

    Args:
        channels: of the features.
        classes: number of logits K.
        dilations: of the branches.

    Shape:
        - input ``(B, C, h, w)``;
        - output: logits ``(B, K, h, w)``.
    """

    def __init__(
        self, channels: int, classes: int, dilations: Sequence[int] = (6, 12, 18, 24)
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_branch(channels, classes, each) for each in dilations)

    def forward(self, features: Tensor) -> Tensor:
        """Read the classes from features."""
        return torch.stack([branch(features) for branch in self.branches]).sum(dim=0)


class DeepLabV2Network(nn.Module):
    """DeepLab-v2, with a ResNet-101 as in the paper.

    Features stand at every eighth pixel from the first on, so that images are extended to a
    multiple of 8 and one, as the paper's crops of 321 and 513 are, and logits enlarged from corner
    to corner. The paper's three input scales in training (MSC) are left out, our choice; several
    scales in testing are :class:`goodsam_pl.networks.ViewAveraging`'s.

    Args:
        encoder: a backbone of smp that can be dilated (``resnet18`` … ``resnet152``).
        classes: number of logits K.
        weights: as for :class:`goodsam_pl.networks.SegmentationNetwork`: ``None``, ``imagenet`` or
            a path.
        dilations: of the head.
        frozen_norm: batch normalisation of the encoder stays as it came, as usual: ten crops say
            little of statistics. Not for random weights.
        circular: the left border of the image goes on at the right one; weights fit either way.

    Shape:
        - input ``(B, 3, H, W)``, float32, ImageNet-normalised, any H and W; if circular, W is a
          multiple of 8;
        - output logits ``(B, K, H, W)``.

    Raises:
        ValueError: an encoder that cannot be dilated.
    """

    def __init__(
        self,
        encoder: str = "resnet101",
        classes: int = 21,
        weights: str | None = None,
        dilations: Sequence[int] = (6, 12, 18, 24),
        frozen_norm: bool = True,
        circular: bool = False,
    ) -> None:
        super().__init__()
        self.frozen_norm = frozen_norm
        self.circular = circular
        self.arguments: dict[str, str | int | bool | list[int]] = {
            "encoder": encoder,
            "classes": classes,
            "dilations": list(dilations),
            "frozen_norm": frozen_norm,
            "circular": circular,
        }
        from_hub = weights == "imagenet" and not is_postponed()
        self.encoder = _dilated(encoder, "imagenet" if from_hub else None)
        self.head = DeepLabV2Head(self.feature_channels[-1], classes, dilations)
        if circular:
            wrap_padding(self)
        if frozen_norm:
            for part in self._norms():
                part.requires_grad_(False)
        if weights == "imagenet" and is_postponed():
            postpone(self, partial(fill_from_imagenet, self.encoder, encoder))
        elif weights not in (None, "imagenet"):
            load_weights(self, weights)
        self.train()

    @override
    def train(self, mode: bool = True) -> DeepLabV2Network:
        """As of any module, but for batch normalisation that is frozen."""
        super().train(mode)
        if self.frozen_norm:
            for part in self._norms():
                part.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        return self.forward_features(images).logits

    def forward_features(self, images: Tensor) -> SegmentationOutput:
        """As :meth:`forward`, with the features of the four stages."""
        features = self.encode(images)
        logits = self.decode(features, (images.shape[-2], images.shape[-1]))
        return SegmentationOutput(features, logits)

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Features of the four stages, of the extended image.

        Args:
            images: ``(B, 3, H, W)``.

        Returns:
            For each stage ``(B, C_l, h_l, w_l)``, the first at stride 4, the others at 8.

        Raises:
            ValueError: a circle whose width is no multiple of 8.
        """
        height, width = images.shape[-2:]
        below, right = (1 - height) % _STRIDE, (1 - width) % _STRIDE
        if self.circular:
            right = 0
            if width % _STRIDE:
                raise ValueError(
                    f"a circular network takes widths that are multiples of {_STRIDE}, these "
                    f"images are {width} wide: choose data.size so, or leave circular out"
                )
        extended = F.pad(images, (0, right, 0, below), mode="replicate")
        return tuple(self.encoder(extended)[-_STAGES:])

    def decode(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Read the classes from features.

        Args:
            features: as :meth:`encode` gives them.
            size: height and width of the image, pixels.

        Returns:
            Logits ``(B, K, H, W)``.
        """
        logits: Tensor = self.head(features[-1])
        if self.circular:
            logits = torch.cat([logits, logits[..., :1]], dim=-1)
        height, width = (_STRIDE * (each - 1) + 1 for each in logits.shape[-2:])
        enlarged = F.interpolate(logits, (height, width), mode="bilinear", align_corners=True)
        return enlarged[..., : size[0], : size[1]]

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels C_l of the four stages."""
        channels: Sequence[int] = self.encoder.out_channels  # type: ignore[assignment]  # of smp
        return tuple(channels[-_STAGES:])

    def _norms(self) -> list[nn.Module]:
        return [each for each in self.encoder.modules() if isinstance(each, _BatchNorm)]


def _branch(channels: int, classes: int, dilation: int) -> nn.Conv2d:
    branch = nn.Conv2d(channels, classes, 3, padding=dilation, dilation=dilation)
    assert branch.bias is not None  # noqa: S101  # for mypy
    nn.init.normal_(branch.weight, std=0.01)  # as released
    nn.init.zeros_(branch.bias)
    return branch


def _dilated(name: str, weights: str | None) -> nn.Module:
    try:
        encoder: nn.Module = smp.encoders.get_encoder(name, weights=weights, output_stride=_STRIDE)
    except ValueError as error:
        raise ValueError(
            f"{name} cannot be dilated to stride {_STRIDE} ({error}): choose a ResNet, such as "
            "resnet101"
        ) from error
    return encoder
