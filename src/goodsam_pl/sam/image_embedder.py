"""Embeddings of images by SAM's image encoder, for who trains on them and wants no masks.

A SAM looks at squares of one size. An image that is not square is cut into about square windows,
side by side: what asks an embedding by attention asks all windows at once, wherever they lie. An
image of a square, as SSR has it, is one window. (Our choice.)
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.masks.proposer import MaskProposer

__all__ = ["ImageEmbedder", "ImageEncoding"]


@runtime_checkable
class ImageEncoding(Protocol):
    """A proposer with an image encoder that can be asked by itself."""

    def embedding_channels(self) -> int:
        """C of its embeddings, known before its weights are read."""
        ...

    def input_side(self) -> int:
        """Side of the squares that it takes, pixels; reads its weights."""
        ...

    def encode(self, images: Tensor) -> Tensor:
        """Embed ``(N, 3, s, s)`` float, ImageNet-normalised: ``(N, C, h, w)`` float32."""
        ...


class ImageEmbedder:
    """The frozen image encoder of a SAM.

    It is no ``nn.Module``: no optimiser and no checkpoint finds it. Images need the normalisation
    of ImageNet alone, which is that of every SAM here.

    Args:
        proposer: a SAM with an encoder, ours to freeze.

    Raises:
        TypeError: it has no image encoder.
    """

    def __init__(self, proposer: MaskProposer) -> None:
        if not isinstance(proposer, ImageEncoding):
            raise TypeError(
                f"{type(proposer).__name__} proposes masks without an image encoder, there are no "
                "features to ask it for: take goodsam_pl.sam.SegmentAnything or TransformersSAM"
            )
        self.proposer = proposer
        self._device = torch.device("cpu")

    @property
    def channels(self) -> int:
        """C of the embeddings.

        Raises:
            FileNotFoundError: it stands in a checkpoint of ``transformers`` that is not there.
        """
        return self.proposer.embedding_channels()

    def read(self) -> int:
        """Read the weights unless they are there; draws no random number of the caller's.

        Returns:
            Side of the squares that the encoder takes, pixels.

        Raises:
            FileNotFoundError: they are not there; the message has the way to get them.
        """
        with torch.random.fork_rng(devices=[]):
            return self.proposer.input_side()

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Embed images, on the device that they are on.

        They are resized bilinearly, as released, with anti-aliasing where they become smaller.

        Args:
            images: ``(B, 3, H, W)`` float, ImageNet-normalised.

        Returns:
            ``(B, C, h, w)`` float32, without gradients; of several windows the embeddings lie as
            the windows do.
        """
        if images.device != self._device:
            self.proposer.to(images.device)
            self._device = images.device
        side = self.read()
        down, across = windows_in((images.shape[-2], images.shape[-1]))
        resized = F.interpolate(
            images.float(),
            (down * side, across * side),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )
        rows = resized.view(len(images), 3, down, side, across, side)
        windows = rows.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)
        embeddings = self.proposer.encode(windows)
        by_window = embeddings.view(len(images), down, across, *embeddings.shape[1:])
        return by_window.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def windows_in(size: tuple[int, int]) -> tuple[int, int]:
    """How many about square windows an image is cut into, downwards and across.

    Args:
        size: height and width, pixels.
    """
    height, width = size
    return max(1, round(height / width)), max(1, round(width / height))
