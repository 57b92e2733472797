"""An image with one mask and no class: what a SAM is fine-tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from goodsam_pl.data.decoding import EncodedImage, open_image
from goodsam_pl.data.files import check_pair, resize_label

__all__ = ["ImageWithMask", "MaskFile", "MaskSource", "MaskedImage", "resize_mask"]

_THRESHOLD = 128
"""Grey above it is foreground, so that masks may be JPEG files."""


class ImageWithMask(NamedTuple):
    """Pixels of both.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` bool, somewhere true.
    """

    image: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]


class MaskSource(Protocol):
    """Where the mask of an image comes from."""

    def read(self, image: EncodedImage) -> npt.NDArray[np.bool_]:
        """The mask ``(H, W)``, of the size of the image; it may be empty.

        Raises:
            ValueError: broken, or of another size.
        """
        ...

    def __str__(self) -> str:
        """File and place, for errors."""
        ...


@dataclass(frozen=True)
class MaskFile:
    """A picture of the mask: what is brighter than 128 of 255 is foreground.

    Attributes:
        path: the file; grey, black and white, or RGB of equal channels.
    """

    path: Path

    def read(self, image: EncodedImage) -> npt.NDArray[np.bool_]:
        """As :meth:`MaskSource.read`."""
        with open_image(self.path) as file:
            grey = file.pixels().astype(np.uint16).sum(axis=2) // 3
        check_pair(image, grey.astype(np.uint8), self.path)
        if 0 < (brightest := int(grey.max())) <= _THRESHOLD:
            raise ValueError(
                f"{self.path}: no pixel is above {_THRESHOLD}, the brightest is {brightest}: a "
                "mask is white (255) on black (0), save it so"
            )
        foreground: npt.NDArray[np.bool_] = grey > _THRESHOLD
        return foreground

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class MaskedImage:
    """An image and where its mask is.

    Attributes:
        image: image file.
        mask: where the mask comes from.
        name: of the image within its domain, ``/`` between folders, without suffix.
    """

    image: Path
    mask: MaskSource
    name: str

    def read(self) -> ImageWithMask:
        """Decode both.

        Raises:
            FileNotFoundError: one of the files is not there.
            ValueError: one is broken, they differ in size, or the mask is empty.
        """
        with open_image(self.image) as file:
            mask = self.mask.read(file)
            pixels = file.pixels()
        if not mask.any():
            raise ValueError(
                f"{self.mask}: an empty mask, there is nothing to segment in {self.image}: take "
                "both files away"
            )
        return ImageWithMask(pixels, mask)


def resize_mask(mask: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Resize a mask ``(H, W)`` by the nearest pixels.

    Where a small mask falls between them, the pixel at its middle stays (our choice): an image with
    a mask keeps one.

    Args:
        mask: somewhere true.
        size: height and width, pixels.
    """
    resized = resize_label(mask.astype(np.uint8), size) > 0
    if not resized.any():
        middle = (np.argwhere(mask).mean(axis=0) + 0.5) / mask.shape
        row, column = (int(share * length) for share, length in zip(middle, size, strict=True))
        resized[row, column] = True
    return np.asarray(resized)
