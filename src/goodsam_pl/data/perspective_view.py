"""Pictures and labels as a pinhole camera in the middle of a panorama would have them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from goodsam_pl.geometry.gnomonic import (
    panorama_places,
    take_bilinear,
    take_nearest,
    view_directions,
)
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["PanoramaSpan", "PerspectiveView"]


@dataclass(frozen=True)
class PanoramaSpan:
    """Which latitudes a panorama shows; across it is always the whole circle.

    Attributes:
        above: of its upper edge, degrees above the horizon.
        below: of its lower edge, degrees below the horizon.
    """

    above: float = 90.0
    below: float = 90.0


@dataclass(frozen=True)
class PerspectiveView:
    """A pinhole camera.

    Attributes:
        yaw: where it looks, degrees to the right of the panorama's middle.
        pitch: degrees above the horizon.
        horizontal_fov: degrees from its left edge to its right edge.
        size: height and width of what it sees, pixels.

    Raises:
        ValueError: a field of view outside (0, 180), a pitch beyond a pole, or a size of nothing.
    """

    yaw: float
    pitch: float = 0.0
    horizontal_fov: float = 90.0
    size: tuple[int, int] = (512, 512)

    def __post_init__(self) -> None:
        if not 0 < self.horizontal_fov < 180:
            raise ValueError(f"fov {self.horizontal_fov:g} is not between 0 and 180 degrees")
        if not -90 <= self.pitch <= 90 or not math.isfinite(self.yaw):
            raise ValueError(
                f"yaw {self.yaw:g}, pitch {self.pitch:g}: choose a pitch from -90° to 90°"
            )
        if min(self.size) < 1:
            raise ValueError(f"size {self.size}: height and width are at least 1 pixel")

    @property
    def name(self) -> str:
        """As files of it are called: ``yaw90_pitch0``."""
        return f"yaw{self.yaw:g}_pitch{self.pitch:g}"

    def image(self, pixels: NDArray[np.uint8], span: PanoramaSpan) -> NDArray[np.uint8]:
        """What it sees of a picture.

        Between pixels values are interpolated. Where several pixels of the panorama become one,
        several places are looked at and averaged, so that nothing flickers.

        Args:
            pixels: of the panorama, RGB ``(H, W, 3)``.
            span: what the panorama shows.

        Returns:
            RGB ``(h, w, 3)``; black where the panorama shows nothing.
        """
        pixels = self._shrunk(pixels)
        finer = max(1, math.ceil(pixels.shape[1] / (2 * math.pi) / self._focal_length))
        source = torch.from_numpy(pixels).permute(2, 0, 1).float()
        seen = take_bilinear(source, *self._places(pixels.shape[:2], span, finer))
        seen = torch.nn.functional.avg_pool2d(seen, finer) if finer > 1 else seen
        return seen.round().to(torch.uint8).permute(1, 2, 0).numpy()

    def label(
        self, ids: NDArray[np.uint8], span: PanoramaSpan, outside: int = IGNORE_INDEX
    ) -> NDArray[np.uint8]:
        """What it sees of a label: ids ``(h, w)`` of the nearest pixels.

        Args:
            ids: of the panorama, ``(H, W)``.
            span: what the panorama shows.
            outside: where the panorama shows nothing.
        """
        source = torch.from_numpy(ids)
        return take_nearest(source, *self._places(ids.shape, span, 1), outside).numpy()

    @property
    def _focal_length(self) -> float:
        """Pixels a radian where it looks."""
        return 0.5 * self.size[1] / math.tan(math.radians(self.horizontal_fov) / 2)

    def _shrunk(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The panorama with no more pixels a radian than the view has at its edges, or twice."""
        edge = 1 / math.cos(math.radians(self.horizontal_fov) / 2) ** 2
        enough = math.ceil(2 * math.pi * self._focal_length * max(2.0, edge))
        height, width = pixels.shape[:2]
        if width <= enough:
            return np.ascontiguousarray(pixels)
        size = (enough, max(1, round(height * enough / width)))
        return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))

    def _places(
        self, size: tuple[int, ...], span: PanoramaSpan, finer: int
    ) -> tuple[Tensor, Tensor]:
        height, width = self.size
        directions = view_directions(
            finer * height, finer * width, self.horizontal_fov, self.yaw, self.pitch
        )
        return panorama_places(directions, (size[0], size[1]), span.above, span.below)
