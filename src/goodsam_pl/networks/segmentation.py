"""Dense predictors over segmentation-models-pytorch: images in, logits of the same size out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import segmentation_models_pytorch as smp
import torch.nn.functional as F
from segmentation_models_pytorch.base import SegmentationModel
from torch import Tensor, nn

from goodsam_pl.networks.circular import close_circle
from goodsam_pl.networks.network_state import load_weights
from goodsam_pl.networks.postponed import brought_network, is_postponed, postpone
from goodsam_pl.networks.segformer_decoder import fold_decoder
from goodsam_pl.networks.smp_models import build_smp_model, fill_from_imagenet

__all__ = [
    "PRETRAINED",
    "FeatureNetwork",
    "PretrainedNetwork",
    "PyramidNetwork",
    "SegmentationNetwork",
    "SegmentationOutput",
    "pad_to_stride",
]

PRETRAINED = "goodsam_pl.networks.PretrainedNetwork"
"""How descriptions call the class."""

_STAGES = 4


class SegmentationOutput(NamedTuple):
    """What a network says, and what it is made of.

    Attributes:
        features: of the encoder's last four stages, from fine to coarse, ``(B, C_l, h_l, w_l)``;
            stride 4 to 32 for SegFormer. They are of the image extended to that stride.
        logits: ``(B, K, H, W)``.
    """

    features: tuple[Tensor, ...]
    logits: Tensor


@runtime_checkable
class FeatureNetwork(Protocol):
    """A network that hands out its features on request."""

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """C_l of the four stages."""
        ...

    def forward_features(self, images: Tensor) -> SegmentationOutput:
        """As ``forward``, with the features."""
        ...


@runtime_checkable
class PyramidNetwork(FeatureNetwork, Protocol):
    """A network whose features can be changed before it reads the classes from them."""

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """All features that :meth:`decode` takes; the last four are those of the four stages."""
        ...

    def decode(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Logits ``(B, K, H, W)`` of an image of this size, from features like its own."""
        ...


class _SmpNetwork(nn.Module):
    """What both kinds of networks do with the model of smp that they hold."""

    model: SegmentationModel

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        height, width = images.shape[-2:]
        logits: Tensor = self.model(self._extend(images))
        return logits[..., :height, :width]

    def forward_features(self, images: Tensor) -> SegmentationOutput:
        """As :meth:`forward`, with the features of the last four stages."""
        features = self.encode(images)
        logits = self.decode(features, (images.shape[-2], images.shape[-1]))
        return SegmentationOutput(features[-_STAGES:], logits)

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Features of the image extended to the encoder's stride, all that smp's decoder takes.

        Args:
            images: ``(B, 3, H, W)``.
        """
        return tuple(self.model.encoder(self._extend(images)))

    def decode(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Read the classes from features.

        Args:
            features: as :meth:`encode` gives them.
            size: height and width of the image, pixels.

        Returns:
            Logits ``(B, K, H, W)``.
        """
        logits: Tensor = self.model.segmentation_head(self.model.decoder(list(features)))
        return logits[..., : size[0], : size[1]]

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels C_l of the last four stages."""
        return tuple(self.model.encoder.out_channels[-_STAGES:])

    def _extend(self, images: Tensor) -> Tensor:
        return pad_to_stride(images, self.model.encoder.output_stride)


class SegmentationNetwork(_SmpNetwork):
    """Any architecture of segmentation-models-pytorch, a SegFormer-B0 by default.

    The default with 19 classes has 3.72 M parameters, the size of the smallest student of the
    GoodSAM paper.

    Args:
        architecture: a name that ``smp.create_model`` knows (``segformer``, ``deeplabv3plus``,
            ``unet``, …).
        encoder: a backbone of smp (``mit_b0`` … ``mit_b5`` for SegFormer, ``resnet50``, …).
        classes: number of logits K.
        weights: where the weights come from. ``None``: random. ``imagenet``: the encoder's, from
            the hub. ``streetworld``: a SegFormer-B0 trained on StreetWorld's source city, shipped
            with the package. Otherwise a path: safetensors, a state dict, or a checkpoint of ours.
        circular: the left border of the image goes on at the right one, for networks that see
            whole panoramas; see :mod:`goodsam_pl.networks.circular`. Weights fit either way.

    Shape:
        - input ``(B, 3, H, W)``, float32, ImageNet-normalised, any H and W; if circular, W is a
          multiple of the encoder's stride, 32;
        - output logits ``(B, K, H, W)``.
    """

    def __init__(
        self,
        architecture: str = "segformer",
        encoder: str = "mit_b0",
        classes: int = 19,
        weights: str | None = None,
        circular: bool = False,
    ) -> None:
        super().__init__()
        self.circular = circular
        self.arguments: dict[str, str | int | bool] = {
            "architecture": architecture,
            "encoder": encoder,
            "classes": classes,
            "circular": circular,
        }
        from_hub = weights == "imagenet" and not is_postponed()
        self.model = fold_decoder(
            smp.create_model(
                architecture,
                encoder_name=encoder,
                encoder_weights="imagenet" if from_hub else None,
                classes=classes,
            )
        )
        if circular:
            close_circle(self.model)
        if weights == "imagenet" and is_postponed():
            postpone(self, partial(fill_from_imagenet, self.model.encoder, encoder))
        elif weights not in (None, "imagenet"):
            load_weights(self, weights)

    def _extend(self, images: Tensor) -> Tensor:
        stride: int = self.model.encoder.output_stride
        if self.circular and images.shape[-1] % stride:
            raise ValueError(
                f"a circular network takes widths that are multiples of {stride}, these images are "
                f"{images.shape[-1]} wide: choose data.size so, or leave circular out"
            )
        return super()._extend(images)


class PretrainedNetwork(_SmpNetwork):
    """A released network in smp's own format, from the hub or a local folder.

    The natural teacher assistant: ``smp-hub/segformer-b5-1024x1024-city-160k`` and its siblings
    know the 19 Cityscapes classes.

    Args:
        name: a repository on the hub, or a folder written by ``save_pretrained``.
        weights: fill it with these instead, e.g. a rectification's checkpoint; as for
            :class:`SegmentationNetwork`.

    Shape:
        As :class:`SegmentationNetwork`.
    """

    def __init__(
        self,
        name: str = "smp-hub/segformer-b5-1024x1024-city-160k",
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        known = brought_network(PRETRAINED, name=name) if is_postponed() else None
        if known is None:
            self.model = fold_decoder(smp.from_pretrained(name))
        else:
            self.model = fold_decoder(build_smp_model(known["model"]))
            postpone(self, self._fill)
        if weights is not None:
            load_weights(self, weights)

    @classmethod
    def around(cls, model: SegmentationModel, arguments: Mapping[str, Any]) -> Self:
        """The same around a model that is there already, nothing being read.

        Args:
            model: of smp, unfolded.
            arguments: ``name`` of where such a model was released.
        """
        network = cls.__new__(cls)
        nn.Module.__init__(network)
        network.name = str(arguments["name"])
        network.model = fold_decoder(model)
        return network

    def _fill(self) -> None:
        released = fold_decoder(smp.from_pretrained(self.name))
        self.model.load_state_dict(released.state_dict())


def pad_to_stride(images: Tensor, stride: int) -> Tensor:
    """Extend the lower and right border to the stride that the encoder needs."""
    height, width = images.shape[-2:]
    below, right = -height % stride, -width % stride
    return F.pad(images, (0, right, 0, below), mode="replicate") if below or right else images
