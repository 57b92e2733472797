"""What one domain learns on top of a frozen SAM: one interface for all kinds of adapters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import ImagePrompts

__all__ = ["Adapter"]


class Adapter(nn.Module, ABC):
    """φ, made for one SAM and no part of it: it holds its own parameters alone.

    The SAM is an argument of each call, so that an adapter's state dict, optimiser and file have
    what was learned and nothing else. Frozen is what is not the adapter's.
    """

    changes_embedding: ClassVar[bool] = False
    """Whether images are encoded anew with it; if not, what SAM said of them can be kept."""

    def encode(self, sam: FrozenSam, images: Tensor) -> SamFeatures:
        """What the encoder says of images ``(B, 3, s, s)``, ImageNet-normalised."""
        return sam.encode(images)

    @abstractmethod
    def forward(self, sam: FrozenSam, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """Draw a mask for each image.

        Args:
            sam: which the adapter was made for.
            features: of :meth:`encode`, of B images.
            prompts: of the same images.

        Returns:
            Logits ``(B, 1, 4h, 4w)`` float.
        """
