"""Large-scale jitter (Ghiasi et al., CVPR 2021): an image at a random size in a square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodsam_pl.data.files import resize_image
from goodsam_pl.data.masked_image import ImageWithMask, resize_mask

__all__ = ["ScaleJitter"]

_PADDING = 128
_TRIES = 10


@dataclass(frozen=True)
class ScaleJitter:
    """Resize an image, and crop or pad it to a square.

    An image is resized so that it fits into a square of ``side`` times a random factor. What is
    larger than the square is cropped at a random place, what is smaller is padded at the right and
    at the bottom, with grey of 128.

    A crop may lose the mask. It is drawn again then, up to ten times, and after that lies on a
    pixel of the mask (our choice: the release trains on empty masks).

    Attributes:
        side: of the square, pixels.
        scales: smallest and largest factor; 0.1 and 2 as HQ-SAM and CoSAM have them.

    Raises:
        ValueError: factors that are not positive and in order.
    """

    side: int
    scales: tuple[float, float] = (0.1, 2.0)

    def __post_init__(self) -> None:
        if not 0 < self.scales[0] <= self.scales[1]:
            raise ValueError(
                f"jitter {list(self.scales)}: give the smallest and the largest factor, above 0"
            )

    def __call__(self, pair: ImageWithMask, random: np.random.Generator) -> ImageWithMask:
        """Draw a view.

        Args:
            pair: image and mask, of any size.
            random: draws.

        Returns:
            Image ``(side, side, 3)`` uint8 and mask ``(side, side)`` bool, somewhere true.
        """
        height, width = pair.mask.shape
        scale = random.uniform(*self.scales) * self.side / max(height, width)
        size = max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
        mask = resize_mask(pair.mask, size)
        top, left = self._corner(mask, random)
        window = (slice(top, top + self.side), slice(left, left + self.side))
        image = resize_image(pair.image, size)[window]
        cut = mask[window]
        rim = [(0, self.side - length) for length in cut.shape]
        return ImageWithMask(
            np.pad(image, [*rim, (0, 0)], constant_values=_PADDING), np.pad(cut, rim)
        )

    def _corner(self, mask: npt.NDArray[np.bool_], random: np.random.Generator) -> tuple[int, int]:
        """Upper left corner of a crop that shows some of the mask."""
        room = [max(0, length - self.side) for length in mask.shape]
        for _ in range(_TRIES):
            top, left = (int(random.integers(most + 1)) for most in room)
            if mask[top : top + self.side, left : left + self.side].any():
                return top, left
        row, column = np.argwhere(mask)[int(random.integers(np.count_nonzero(mask)))].tolist()
        return min(row, room[0]), min(column, room[1])
