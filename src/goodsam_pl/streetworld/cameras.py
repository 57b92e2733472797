"""Two cameras for one ray caster: where each pixel looks, and which pixels a solid can cover."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.geometry.equirectangular import pixel_directions
from goodsam_pl.geometry.perspective import focal_length, pinhole_directions
from goodsam_pl.streetworld.primitives import Floats, Integers

__all__ = ["Camera", "Equirectangular", "Pinhole", "Rectangles", "rotation"]

_PAIRS = np.array(list(combinations(range(8), 2))).T
_NEAR = 0.05


class Rectangles(tuple[Integers, Integers, Integers, Integers]):
    """Arrays top, left, height, width of the pixels that N solids can cover, 0 high where none.

    On a panorama ``left + width`` may exceed the image: the rectangle crosses the seam.
    """

    __slots__ = ()


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Matrix ``(3, 3)`` from camera to vehicle: roll about x, then pitch about y, then yaw about z.

    Args:
        yaw: degrees to the right.
        pitch: degrees upwards.
        roll: degrees, clockwise as seen by the camera.
    """
    a, b, c = math.radians(-yaw), math.radians(-pitch), math.radians(roll)
    about_z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(c), -math.sin(c)], [0, math.sin(c), math.cos(c)]])
    return np.asarray(about_z @ about_y @ about_x, dtype=np.float64)


@dataclass(frozen=True)
class Pinhole:
    """A pinhole camera on the vehicle.

    Attributes:
        size: ``(H, W)``, pixels.
        horizontal_fov: degrees from the left to the right edge.
        yaw: degrees to the right of the vehicle's heading.
        pitch: degrees above the vehicle's horizon.
    """

    size: tuple[int, int] = (256, 512)
    horizontal_fov: float = 70.0
    yaw: float = 0.0
    pitch: float = 0.0
    kind: Literal["pinhole"] = "pinhole"

    def directions(self) -> NDArray[np.float64]:
        """Unit directions ``(H, W, 3)`` in the camera's frame."""
        return pinhole_directions(*self.size, self.horizontal_fov, torch.float64).numpy()

    def rectangles(self, corners: Floats) -> Rectangles:
        """Pixels that solids can cover.

        Args:
            corners: ``(N, 8, 3)`` of a box around each solid, in the camera's frame.
        """
        height, width = self.size
        focal = focal_length(width, self.horizontal_fov)
        first, second = corners[:, _PAIRS[0]], corners[:, _PAIRS[1]]
        span = second[..., 0] - first[..., 0]
        crossing = (first[..., 0] < _NEAR) != (second[..., 0] < _NEAR)
        share = np.where(crossing, (_NEAR - first[..., 0]) / np.where(crossing, span, 1), 0)
        cut = first + share[..., None] * (second - first)
        points = np.concatenate([corners, cut], axis=1)
        visible = np.concatenate([corners[..., 0] >= _NEAR, crossing], axis=1)
        depth = np.maximum(points[..., 0], 0.5 * _NEAR)
        column = 0.5 * width - 0.5 - focal * points[..., 1] / depth
        row = 0.5 * height - 0.5 - focal * points[..., 2] / depth
        low, high = np.where(visible, row, np.inf), np.where(visible, row, -np.inf)
        top, bottom = _whole(low.min(axis=1), high.max(axis=1), height)
        low, high = np.where(visible, column, np.inf), np.where(visible, column, -np.inf)
        left, right = _whole(low.min(axis=1), high.max(axis=1), width)
        wide = np.maximum(right - left, 0)
        return Rectangles((top, left, np.where(wide > 0, np.maximum(bottom - top, 0), 0), wide))


@dataclass(frozen=True)
class Equirectangular:
    """A 360° camera on the vehicle.

    Attributes:
        size: ``(H, W)``, pixels.
        vertical_fov: degrees from top to bottom, centred on the horizon; 180 = full sphere.
        yaw: degrees to the right of the vehicle's heading at which the image centre looks.
        pitch: degrees above the vehicle's horizon.
    """

    size: tuple[int, int] = (192, 1024)
    vertical_fov: float = 67.5
    yaw: float = 0.0
    pitch: float = 0.0
    kind: Literal["equirectangular"] = "equirectangular"

    def directions(self) -> NDArray[np.float64]:
        """Unit directions ``(H, W, 3)`` in the camera's frame."""
        return pixel_directions(*self.size, self.vertical_fov, torch.float64).numpy()

    def rectangles(self, corners: Floats) -> Rectangles:
        """Pixels that solids can cover.

        Longitudes of a convex solid are extreme at corners. Latitudes need not be: they are bounded
        by its highest and lowest point at its shortest and longest horizontal distance. Whatever
        stands above or below the camera takes whole rows.

        Args:
            corners: ``(N, 8, 3)`` of a box around each solid, in the camera's frame.
        """
        height, width = self.size
        x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
        middle = np.arctan2(-y.mean(axis=1), x.mean(axis=1))
        swing = np.arctan2(-y, x) - middle[:, None]
        swing = (swing + math.pi) % (2 * math.pi) - math.pi
        near, far = _distance_to_hull(x, y), np.hypot(x, y).max(axis=1)
        around = (near < 0.02) | (swing.max(axis=1) - swing.min(axis=1) > 0.99 * math.pi)
        near = np.where(around, 0, near)
        upper, lower = z.max(axis=1), z.min(axis=1)
        highest = np.arctan2(upper, np.where(upper > 0, near, far))
        lowest = np.arctan2(lower, np.where(lower > 0, far, near))
        scale = height / math.radians(self.vertical_fov)
        row = 0.5 * height - 0.5
        top, bottom = _whole(row - scale * highest, row - scale * lowest, height)
        columns = 0.5 * width - 0.5 + width / (2 * math.pi) * (middle[:, None] + swing)
        left = np.ceil(columns.min(axis=1) - 0.01).astype(np.int64)
        right = np.floor(columns.max(axis=1) + 0.01).astype(np.int64) + 1
        left = np.where(around, 0, left)
        wide = np.where(around, width, np.clip(right - left, 0, width))
        tall = np.where(wide > 0, np.maximum(bottom - top, 0), 0)
        return Rectangles((top, left % width, tall, wide))


Camera = Pinhole | Equirectangular


@lru_cache(maxsize=4)
def camera_directions(camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Directions in the vehicle's frame as three flat float32 arrays, row by row."""
    turn = rotation(camera.yaw, camera.pitch, 0.0)
    x, y, z = np.moveaxis(camera.directions(), -1, 0)
    turned = [row[0] * x + row[1] * y + row[2] * z for row in turn]
    flat = [np.ascontiguousarray(axis.ravel(), dtype=np.float32) for axis in turned]
    return flat[0], flat[1], flat[2]


def _whole(low: Floats, high: Floats, length: int) -> tuple[Integers, Integers]:
    """First and one past the last pixel centre between two continuous coordinates."""
    first = np.clip(np.ceil(np.clip(low, -2, length + 2) - 0.01), 0, length)
    last = np.clip(np.floor(np.clip(high, -2, length + 2) + 0.01) + 1, 0, length)
    return first.astype(np.int64), last.astype(np.int64)


def _distance_to_hull(x: Floats, y: Floats) -> Floats:
    """Distance from the origin to N sets of 8 points and all segments between them."""
    from_x, from_y = x[:, _PAIRS[0]], y[:, _PAIRS[0]]
    along_x, along_y = x[:, _PAIRS[1]] - from_x, y[:, _PAIRS[1]] - from_y
    square = np.maximum(along_x**2 + along_y**2, 1e-12)
    share = np.clip(-(from_x * along_x + from_y * along_y) / square, 0, 1)
    distance = np.hypot(from_x + share * along_x, from_y + share * along_y)
    return np.asarray(distance.min(axis=1), dtype=np.float32)
