"""The panoramas of a folder, as training would read them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from goodsam_pl.data import PanoramaFormat
from goodsam_pl.data.decoding import open_image
from goodsam_pl.masks import MaskStore

__all__ = ["reader_for", "reader_of"]

log = logging.getLogger(__name__)

_SPHERE = 180.0


def reader_for(
    files: Sequence[Path],
    size: tuple[int, int],
    vertical_fov: float,
    file_vertical_fov: float | None,
    aspect_tolerance: float,
) -> PanoramaFormat:
    """What reads panoramas as options say.

    Where the vertical field of view of the files is not given, twice as wide as high means a full
    sphere: the first file that can be read decides for all, as a store has one view.

    Args:
        files: the panoramas.
        size: of the result, pixels.
        vertical_fov: of the result, degrees.
        file_vertical_fov: of the files, degrees.
        aspect_tolerance: relative.
    """
    if file_vertical_fov is None:
        file_vertical_fov = vertical_fov
        height, width = _first_size(files) or (0, 1)
        if vertical_fov < _SPHERE and abs(360 * height / width / _SPHERE - 1) <= aspect_tolerance:
            file_vertical_fov = _SPHERE
            log.warning(
                "photographs of %d×%d are taken for full spheres, as --file_vertical_fov 180 says; "
                "train on them with data.file_vertical_fov: 180",
                width,
                height,
            )
    return PanoramaFormat(size, vertical_fov, file_vertical_fov, aspect_tolerance)


def reader_of(store: MaskStore) -> PanoramaFormat:
    """What reads panoramas as the store's masks see them."""
    height, width = store.windows.image_size
    vertical_fov = store.view.get("vertical_fov", 360 * height / width)
    file_vertical_fov = store.view.get("file_vertical_fov", vertical_fov)
    # whoever made the masks has looked at the aspect
    return PanoramaFormat((height, width), vertical_fov, file_vertical_fov, float("inf"))


def _first_size(files: Sequence[Path]) -> tuple[int, int] | None:
    for path in files:
        with suppress(OSError, ValueError), open_image(path) as image:
            return image.size  # others are told of when it is their turn to be read
    return None
