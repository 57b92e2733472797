"""How SAM sees an image: its longest side fills a square, the rest of it is padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.data.files import resize_image
from goodsam_pl.data.masked_image import resize_mask
from goodsam_pl.data.normalization import normalize

__all__ = ["SquareFrame"]


@dataclass(frozen=True)
class SquareFrame:
    """Where an image lies in SAM's square: at the upper left (Kirillov et al., 2023, as released).

    Attributes:
        original: height and width of the image, pixels.
        side: of the square, pixels.
    """

    original: tuple[int, int]
    side: int

    @property
    def scale(self) -> float:
        """Pixels of the square for a pixel of the image."""
        return self.side / max(self.original)

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of the image within the square, pixels."""
        height, width = (max(1, int(length * self.scale + 0.5)) for length in self.original)
        return height, width

    def image(self, pixels: npt.NDArray[np.uint8]) -> Tensor:
        """Bring an image into the square.

        Args:
            pixels: RGB ``(H, W, 3)``.

        Returns:
            float32 ``(3, side, side)``, ImageNet-normalised; 0, the mean colour, in the padding.
        """
        return F.pad(normalize(resize_image(pixels, self.inner)), self._padding())

    def mask(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Bring a mask ``(H, W)`` into the square ``(side, side)``, by the nearest pixels."""
        _, right, _, bottom = self._padding()
        return np.pad(resize_mask(mask, self.inner), ((0, bottom), (0, right)))

    def points(self, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Bring pixels ``(…, 2)`` of the image, x and y, into the square; centres onto centres."""
        across = self.inner[1] / self.original[1], self.inner[0] / self.original[0]
        placed = (points + 0.5) * np.array(across, dtype=np.float32) - 0.5
        return np.asarray(placed, dtype=np.float32)

    def restore(self, logits: Tensor) -> Tensor:
        """Bring logits from the square back to the size of the image, as SAM does.

        Args:
            logits: float ``(…, h, w)`` of the whole square, at any resolution.

        Returns:
            float ``(…, H, W)``, bilinear.
        """
        flat = logits.reshape(1, -1, *logits.shape[-2:])
        square = _resized(flat, (self.side, self.side))
        inside = square[..., : self.inner[0], : self.inner[1]]
        return _resized(inside, self.original).reshape(*logits.shape[:-2], *self.original)

    def _padding(self) -> tuple[int, int, int, int]:
        return 0, self.side - self.inner[1], 0, self.side - self.inner[0]


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(images, size, mode="bilinear", align_corners=False)
