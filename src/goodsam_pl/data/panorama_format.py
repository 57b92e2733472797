"""How panorama files become arrays of one size."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from goodsam_pl.data.band import Band
from goodsam_pl.data.decoding import EncodedImage, open_image, pixel_limit
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.files import check_pair, nearest, resize_image, resize_label
from goodsam_pl.data.labels import LabelFormat, LabelReader
from goodsam_pl.data.once import Reminder
from goodsam_pl.data.sphere_tags import ContradictoryTagsError, SphereTags, read_sphere_tags
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["PanoramaFormat", "stated_view"]

log = logging.getLogger(__name__)

_REMOVE = "or remove its tags if they are wrong (exiftool -XMP-GPano:all= FILE)"

_contradictory = Reminder(
    log, "its tags are not used, it is taken for 360° by file_vertical_fov, horizon in the middle"
)
_stated = Reminder(log, "this counts, not file_vertical_fov", limit=1)
_black = Reminder(
    log,
    "if the picture fills only a part of its canvas, all angles are wrong: crop it to what is seen",
)

_LEAST_BLACK = 1 / 360
"""Columns of pure black that are worth a warning, share of the width: our choice."""

_BLACK_IS_USUAL = 45
"""Degrees from the horizon, from which on rows of pure black are usual: cameras do not see the
ground below their car, or the poles. Our choice."""


@dataclass(frozen=True)
class PanoramaFormat:
    """How panorama files become arrays of one size.

    A file spans 360° in width. Where its vertical field of view is larger than the one wanted,
    the band around the horizon is cut out of it. What a file says itself in GPano tags counts more
    than ``file_vertical_fov``.

    Attributes:
        size: height and width of the result, pixels.
        vertical_fov: vertical field of view of the result, degrees.
        file_vertical_fov: vertical field of view of files that do not say it, degrees.
        aspect_tolerance: how far a file's aspect may be from square pixels, relative.
    """

    size: tuple[int, int]
    vertical_fov: float
    file_vertical_fov: float
    aspect_tolerance: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.vertical_fov <= self.file_vertical_fov <= 180:
            raise ValueError(
                f"vertical_fov {self.vertical_fov:g}° must lie between 0° and that of the files, "
                f"{self.file_vertical_fov:g}° (file_vertical_fov, at most 180°)"
            )
        height, width = self.size
        if self._is_off(height, width, self.vertical_fov):
            raise ValueError(
                f"size {height}×{width} has the aspect of {360 * height / width:.1f}° by 360°, but "
                f"vertical_fov is {self.vertical_fov:g}°: make them agree, or raise "
                "aspect_tolerance if pixels need not be square"
            )

    @property
    def view(self) -> dict[str, float]:
        """The part of the sphere that is read, angles in degrees: masks belong to it."""
        return {"vertical_fov": self.vertical_fov, "file_vertical_fov": self.file_vertical_fov}

    def describe(self) -> dict[str, Any]:
        """All of it as plain values, see :meth:`from_description`."""
        return {**asdict(self), "size": list(self.size)}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """Build what :meth:`describe` told.

        Raises:
            ValueError: it is not of that form.
        """
        try:
            height, width = description["size"]
            return cls(**{**description, "size": (int(height), int(width))})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{dict(description)} is no format of panoramas: {error}") from error

    def locate(self, path: Path) -> Band:
        """Which rows of a file are read; only its header is looked at.

        Raises:
            OSError: the system does not let it be read.
            ValueError: an unreadable file, one whose aspect is not that of 360° by
                ``file_vertical_fov``, or that says itself that it shows less.
        """
        with open_image(path) as image:
            return self._band(image)

    def read(self, path: Path) -> npt.NDArray[np.uint8]:
        """Read a panorama: RGB ``(H, W, 3)`` uint8 of the configured size.

        Raises:
            ValueError: as for :meth:`locate`, or a broken file.
        """
        # resized when the decoded file is gone: it may take gigabytes
        return resize_image(self._cut(path), self.size)

    def fit_image(self, pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Band]:
        """As :meth:`read` of a file with these pixels and no tags, and the rows that were read.

        Args:
            pixels: RGB ``(h, w, 3)`` uint8.

        Raises:
            ValueError: the aspect is not that of 360° by ``file_vertical_fov``.
        """
        height, width = pixels.shape[:2]
        self._check_aspect(height, width, "an image")
        band = self._centred((height, width))
        return resize_image(pixels[band.rows], self.size), band

    def read_tensor(self, path: Path) -> Tensor:
        """As :meth:`read`, ``(3, H, W)``."""
        return torch.from_numpy(self.read(path)).permute(2, 0, 1).contiguous()

    def check_mask_size(self, size: tuple[int, int], band: Band | None = None) -> Band:
        """Make sure that a mask may be of a whole file.

        Args:
            size: height and width of the mask, pixels; it may be smaller than the file.
            band: where the panorama lies in the file, see :meth:`locate`; ``None`` for a file that
                is not known, with the horizon in the middle.

        Returns:
            Where the panorama lies in the file.

        Raises:
            ValueError: its aspect is not that of the file, or it is too large.
        """
        height, width = size
        if height * width > pixel_limit():
            raise ValueError(
                f"a mask has {width}×{height} pixels, {pixel_limit()} in all are the most: make it "
                "smaller"
            )
        if band is None:
            if self._is_off(height, width, self.file_vertical_fov):
                raise ValueError(
                    f"a mask has {width}×{height} pixels, 360° by {360 * height / width:.1f}°, but "
                    f"files are said to have {self.file_vertical_fov:g}°: set vertical_fov and "
                    "file_vertical_fov to those of the files, or window_size to that of the masks"
                )
            return self._centred((height, width))
        if abs(height * band.file_size[1] / (width * band.file_size[0]) - 1) > 0.05:
            raise ValueError(
                f"a mask has {width}×{height} pixels, but its image "
                f"{band.file_size[1]}×{band.file_size[0]}: masks are of whole files, or set "
                "window_size to that of the masks"
            )
        return band

    def mask_places(
        self, size: tuple[int, int], band: Band | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Which pixels bring a mask of a whole file to the configured band and size.

        Nearest neighbour, as :func:`goodsam_pl.data.files.resize_label` has it.

        Args:
            size: height and width of the mask, pixels; it may be smaller than the file.
            band: as for :meth:`check_mask_size`.

        Returns:
            Its rows ``(H,)`` and its columns ``(W,)``, ascending.

        Raises:
            ValueError: as for :meth:`check_mask_size`.
        """
        band = self.check_mask_size(size, band)
        rows = np.arange(*band.of_height(size[0]).indices(size[0]), dtype=np.int32)
        columns = np.arange(size[1], dtype=np.int32)
        return rows[nearest(len(rows), self.size[0])], columns[nearest(size[1], self.size[1])]

    def read_labelled(
        self, entry: Entry, labels: LabelReader
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
        """Read a panorama and, where it has one, its label ``(H, W)`` of trainIds."""
        if entry.label is None or entry.label_format is None:
            return self.read(entry.image), None
        image, label = self._cut_labelled(entry.image, entry.label, entry.label_format, labels)
        return resize_image(image, self.size), resize_label(label, self.size)

    def _cut(self, path: Path) -> npt.NDArray[np.uint8]:
        """The band of a file, ``(h, w, 3)`` as large as it is."""
        with open_image(path) as image:
            band = self._band(image)
            image.shrink(2 * self.size[1])
            pixels = image.pixels(band.rows)
            self._look_for_black(image, band)
            return pixels

    def _cut_labelled(
        self, image_path: Path, label_path: Path, label_format: LabelFormat, labels: LabelReader
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """As :meth:`_cut`, with the label of the same rows ``(h, w)``."""
        with open_image(image_path) as image:
            band = self._band(image)
            label = labels.read(label_path, label_format)
            check_pair(image, label, label_path)
            label = label[band.rows]
            pixels = image.pixels(band.rows)
            if label_format.black_is_void:
                label[(pixels == 0).all(axis=2)] = IGNORE_INDEX
            self._look_for_black(image, band)
            return pixels, label

    def _band(self, image: EncodedImage) -> Band:
        """What is read of a file."""
        tags = stated_view(image)
        height, width = image.size
        if tags is None or tags.width is None:
            self._check_aspect(height, width, str(image.path))
            return self._centred(image.size)
        half = self.vertical_fov / 2
        lacking = max(0.0, half - tags.above) + max(0.0, half - tags.below)
        if lacking > min(self.aspect_tolerance, 1) * self.vertical_fov:
            raise ValueError(
                f"{image.path}: its tags say that it shows {_angle(tags.above, 'above')} and "
                f"{_angle(tags.below, 'below')} the horizon, but {half:g}° are read on both sides: "
                f"{self._smaller(tags)}leave the file out, {_REMOVE}"
            )
        if abs(tags.height - self.file_vertical_fov) > 1 or abs(tags.above - tags.below) > 1:
            _stated.warn(
                f"{image.path} says in its tags that it shows 360° by {tags.height:.4g}°, "
                f"{_angle(tags.above, 'above')} the horizon"
            )
        return Band.around(
            image.size,
            height * self.vertical_fov / tags.height,
            horizon=height * tags.above / tags.height,
        )

    def _smaller(self, tags: SphereTags) -> str:
        """What would do for a file, if anything does."""
        there = 2 * min(tags.above, tags.below)
        return f"set vertical_fov to at most {there:.4g} (and size likewise), " if there > 1 else ""

    def _centred(self, file_size: tuple[int, int]) -> Band:
        return Band.around(file_size, file_size[0] * self.vertical_fov / self.file_vertical_fov)

    def _look_for_black(self, image: EncodedImage, band: Band) -> None:
        """Warn of what shows that a picture fills only a part of its canvas."""
        height = image.size[0]
        # rows of a degree
        degree = (band.bottom - band.top) / self.vertical_fov / height
        horizon = (band.top + band.bottom) / 2 / height
        lowest = horizon + _BLACK_IS_USUAL * degree
        highest = horizon - _BLACK_IS_USUAL * degree
        top, bottom = max(highest, 0), min(lowest, 1)
        edges = {
            "columns on the left": (0, 0, _LEAST_BLACK, 1),
            "columns on the right": (1 - _LEAST_BLACK, 0, 1, 1),
            "rows at the top": (0, top, 1, top + degree),
            "rows at the bottom": (0, bottom - degree, 1, bottom),
        }
        black = [name for name, box in edges.items() if image.is_black(*box)]
        if black:
            _black.warn(f"{image.path}: pure black in {', '.join(black)}")

    def _check_aspect(self, height: int, width: int, name: str) -> None:
        if self._is_off(height, width, self.file_vertical_fov):
            raise ValueError(
                f"{name}: {width}×{height} pixels are 360° by {360 * height / width:.1f}°, but "
                f"{self.file_vertical_fov:g}° are configured: set file_vertical_fov (or "
                "vertical_fov) to that of the files, or raise aspect_tolerance if their pixels are "
                "not square"
            )

    def _is_off(self, height: int, width: int, vertical_fov: float) -> bool:
        return abs(360 * height / width / vertical_fov - 1) > self.aspect_tolerance


def stated_view(image: EncodedImage) -> SphereTags | None:
    """Which part of the sphere a file says that it shows, if it says anything that can be true.

    Raises:
        ValueError: it shows less than a whole circle, or is no equirectangular image.
    """
    try:
        tags = read_sphere_tags(image.xmp, image.size)
    except ContradictoryTagsError as error:
        _contradictory.warn(f"{image.path}: its tags say {error}")
        return None
    if tags is None:
        return None
    if tags.projection not in (None, "equirectangular"):
        raise ValueError(
            f"{image.path}: its tags say that it is {tags.projection!r}, not equirectangular: "
            f"convert it, leave it out, {_REMOVE}"
        )
    if tags.width is not None and tags.width < 359:
        raise ValueError(
            f"{image.path}: spans {tags.width:.4g}° of 360°, as its tags say; its ends do not "
            f"meet: leave it out, {_REMOVE}"
        )
    return tags


def _angle(degrees: float, side: str) -> str:
    if degrees < 0:
        return f"nothing {side}"
    return f"{degrees:.4g}° {side}"
