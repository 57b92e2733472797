"""The small SAM's image encoder: SAM's, behind convolutions, and features of finer strides.

SAM draws a mask from image tokens alone, of 16 pixels each in the large models and 8 in ours: what
is thinner than a token, a pole or a sign, is not in them. As in SAM 2 (Ravi et al., "SAM 2: Segment
Anything in Images and Videos", 2024, Sec. 4), features of strides 4 and 2, one set for all prompts,
are added while the decoder enlarges tokens. They travel behind the embedding, as further channels
of the same tokens, so that whatever hands SAM's embedding on hands them on as well (our choice).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from segment_anything.modeling import ImageEncoderViT
from torch import Tensor, nn

__all__ = ["Details", "SmallEncoder", "split_embedding"]

_GROUPS = 8


class Details(NamedTuple):
    """What is added to the blocks that each of S image tokens becomes.

    Attributes:
        quarters: ``(N, S, 4, c)`` float, for a block of 2×2, rows first.
        sixteenths: ``(N, S, 4, 4, c)`` float, for a block of 4×4, as quarters of quarters.
    """

    quarters: Tensor
    sixteenths: Tensor


def split_embedding(packed: Tensor, channels: int) -> tuple[Tensor, Details | None]:
    """SAM's own embedding ``(N, C, h, w)``, and the details packed behind it.

    Args:
        packed: ``(N, C + 20 c, h, w)``, or ``(N, C, h, w)`` of a SAM without details.
        channels: C, of the embedding.
    """
    embedding, behind = packed[:, :channels], packed[:, channels:].flatten(2).transpose(1, 2)
    if not behind.shape[2]:
        return embedding, None
    width = behind.shape[2] // 20
    quarters, sixteenths = behind.split([4 * width, 16 * width], dim=2)
    return embedding, Details(
        quarters.unflatten(2, (4, width)), sixteenths.unflatten(2, (4, 4, width))
    )


class SmallEncoder(nn.Module):
    """Images to embeddings with details.

    Args:
        vit: SAM's encoder; its patch embedding is replaced.
        width: channels of its tokens, a multiple of 32.
        embedding: channels C of its embedding.
        details: c, channels that the decoder adds.
    """

    def __init__(self, vit: ImageEncoderViT, width: int, embedding: int, details: int) -> None:
        super().__init__()
        fine, coarse = width // 4, width // 2
        self.img_size: int = vit.img_size
        self.fine = nn.Sequential(
            nn.Conv2d(3, fine, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(_GROUPS, fine),
            nn.ReLU(),
        )
        self.coarse = nn.Sequential(
            nn.Conv2d(fine, coarse, kernel_size=3, stride=2, padding=1), ResidualBlock(coarse)
        )
        self.vit = vit
        vit.patch_embed = ConvolutionalPatches(coarse, width)
        self.lift = nn.Conv2d(embedding, coarse, kernel_size=1)
        self.coarse_again = _refine(coarse)
        self.lower = nn.Conv2d(coarse, fine, kernel_size=1)
        self.fine_again = _refine(fine)
        self.quarters = nn.Conv2d(coarse, details, kernel_size=1)
        self.sixteenths = nn.Conv2d(fine, details, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, C + 20 c, H/8, W/8)``."""
        return self.encode(images, self.vit)

    def encode(self, images: Tensor, run_vit: Callable[[Tensor], Tensor]) -> Tensor:
        """The same, with another way to run the transformer."""
        fine = self.fine(images)
        coarse = self.coarse(fine)
        embedding = run_vit(coarse)
        coarse = self.coarse_again(coarse + _twice(self.lift(embedding)))
        fine = self.fine_again(fine + _twice(self.lower(coarse)))
        quarters = _pack(self.quarters(coarse))
        sixteenths = _pack(_pack(self.sixteenths(fine)))
        return torch.cat([embedding, quarters, sixteenths], dim=1)


class ConvolutionalPatches(nn.Sequential):
    """Patches of 2×2 features become tokens, through two residual blocks.

    Args:
        features: channels that come in.
        width: channels of the tokens.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(features, width, kernel_size=3, stride=2, padding=1),
            ResidualBlock(width),
            ResidualBlock(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, h, w)`` to tokens ``(B, h/2, w/2, width)``."""
        tokens: Tensor = super().forward(features)  # type: ignore[no-untyped-call]  # torch's
        return tokens.permute(0, 2, 3, 1)


class ResidualBlock(nn.Module):
    """Two convolutions that add to what they see, normalised first.

    Args:
        channels: before and after, a multiple of 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(_GROUPS, channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.GroupNorm(_GROUPS, channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        added: Tensor = self.layers(features)
        return features + added


def _refine(channels: int) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(channels), nn.GroupNorm(_GROUPS, channels), nn.ReLU())


def _twice(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="nearest")


def _pack(features: Tensor) -> Tensor:
    """``(N, c, 2h, 2w)`` to ``(N, 4c, h, w)``: quarter by quarter, rows first."""
    count, channels, height, width = features.shape
    halves = features.reshape(count, channels, height // 2, 2, width // 2, 2)
    return halves.permute(0, 3, 5, 1, 2, 4).reshape(count, -1, height // 2, width // 2)
