"""The pictures of an image's label: the label file, and the overlay that people look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.prediction_pictures import label_file_png, overlay_png

__all__ = ["label_pictures", "picture_kinds"]

_OPACITY = 0.5


def picture_kinds(overlay_width: int) -> tuple[str, ...]:
    """Folders of pictures, each with one of every image: the keys of :func:`label_pictures`.

    Args:
        overlay_width: as there.
    """
    return ("labels", "overlays") if overlay_width else ("labels",)


def label_pictures(
    pixels: NDArray[np.uint8], label: NDArray[np.uint8], taxonomy: Taxonomy, overlay_width: int
) -> dict[str, bytes]:
    """PNG files by their folder.

    Args:
        pixels: RGB ``(H, W, 3)``.
        label: trainIds ``(H, W)``.
        taxonomy: classes of the label.
        overlay_width: overlays are at most so wide, pixels; 0 for none.
    """
    pictures = {"labels": label_file_png(label, taxonomy)}
    if overlay_width:
        pictures["overlays"] = overlay_png(pixels, label, taxonomy, None, _OPACITY, overlay_width)
    return pictures
