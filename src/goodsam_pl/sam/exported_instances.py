"""The instance maps of an export of StreetWorld, found by what a window shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from goodsam_pl.files import open_regular

__all__ = ["ExportedInstances", "Place", "SeenPanorama"]

Integers = NDArray[np.integer[Any]]

_PROBES = 16


class SeenPanorama(NamedTuple):
    """A panorama of an export.

    Attributes:
        path: of the instances.
        pixels: ``(H, W)`` uint32, red, green and blue of each.
        instances: ``(H, W)`` uint16.
    """

    path: Path
    pixels: NDArray[np.uint32]
    instances: NDArray[np.uint16]


class Place(NamedTuple):
    """Where a window lies: upper left corner, pixels."""

    panorama: SeenPanorama
    top: int
    left: int


class ExportedInstances:
    """The panoramas of an export and their instances, one of them in memory at a time.

    They are tried in the order of their names, from the one that was found last on: it is the
    order in which masks are asked for.

    Args:
        root: folder of the export.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: list[Path] | None = None
        self._current = 0
        self._open: SeenPanorama | None = None

    def find(self, window: Tensor) -> Place:
        """Find out where a window was cut.

        Args:
            window: ``(3, h, w)`` uint8, RGB; it may be a whole panorama.

        Raises:
            FileNotFoundError: there is no export with instances.
            ValueError: it was cut from none of its panoramas.
        """
        wanted = _packed(window.permute(1, 2, 0).cpu().numpy())
        paths = self._listed()
        for step in range(len(paths)):
            number = (self._current + step) % len(paths)
            panorama = self._read(paths[number])
            corner = _corner(wanted, panorama.pixels)
            if corner is not None:
                self._current = number
                return Place(panorama, *corner)
        height, width = wanted.shape
        raise ValueError(
            f"none of the {len(paths)} panoramas with instances in {self.root} shows this window "
            f"of {height}×{width}: an oracle knows the panoramas of its own export alone, in the "
            "size that they were drawn in. Give it the export that the panoramas are of (root), "
            "and leave them in their size"
        )

    def _listed(self) -> list[Path]:
        if self._paths is None:
            self._paths = sorted(self.root.glob("instances/*/*.png"))
        if not self._paths:
            raise FileNotFoundError(
                f"{self.root} has no instances: draw them with `goodsam streetworld --out "
                f"{self.root} --instances true`, and the options that it was drawn with"
            )
        return self._paths

    def _read(self, path: Path) -> SeenPanorama:
        if self._open is None or self._open.path != path:
            picture = self.root / "densepass/leftImg8bit" / path.parent.name / path.name
            pixels, instances = (_decoded(each) for each in (picture, path))
            if pixels.shape != (*instances.shape[:2], 3) or instances.dtype != np.uint16:
                raise ValueError(f"{path} is not of 16 bits, or not of the size of {picture}")
            self._open = SeenPanorama(path, _packed(pixels), instances.astype(np.uint16))
        return self._open


def _decoded(path: Path) -> Integers:
    try:
        with open_regular(path) as stream, Image.open(stream, formats=["PNG"]) as image:
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}): delete it, and `goodsam streetworld` draws it anew"
        ) from error


def _packed(pixels: Integers) -> NDArray[np.uint32]:
    """One number a pixel; ``(h, w, 3)`` to ``(h, w)``."""
    red, green, blue = np.moveaxis(pixels.astype(np.uint32), -1, 0)
    return np.asarray((red << 16) | (green << 8) | blue, dtype=np.uint32)


def _corner(window: NDArray[np.uint32], picture: NDArray[np.uint32]) -> tuple[int, int] | None:
    """Where a window lies in a picture that closes on itself, top and left."""
    (height, width), (tall, wide) = window.shape, picture.shape
    if height > tall or width > wide:
        return None
    around = np.concatenate([picture, picture[:, : width - 1]], axis=1)
    fits = np.ones((tall - height + 1, wide), dtype=np.bool_)
    random = np.random.default_rng(0)
    for row, column in random.integers((height, width), size=(_PROBES, 2)).tolist():
        there = around[row : row + len(fits), column : column + wide]
        fits &= there == window[row, column]
    for top, left in np.argwhere(fits).tolist():
        if np.array_equal(around[top : top + height, left : left + width], window):
            return top, left
    return None
