"""Reading images and label maps: every file either comes out right or says what is wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from goodsam_pl.data.decoding import EncodedImage, open_image
from goodsam_pl.data.once import Reminder

__all__ = [
    "check_pair",
    "fit_label",
    "nearest",
    "read_image",
    "read_label",
    "resize_image",
    "resize_label",
]

_turned = Reminder(
    logging.getLogger(__name__),
    "if labels were drawn on the picture as it is stored, they lie mirrored or upside down on it: "
    "store images upright, without this tag",
)

_resized = Reminder(
    logging.getLogger(__name__), "the data set has such pairs; the label is brought to that size"
)


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Decode an image to RGB, upright.

    Grey, palette and CMYK images are converted; an opaque alpha channel is dropped; an EXIF
    orientation is applied.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        FileNotFoundError: no such file.
        OSError: the system does not let it be read.
        ValueError: not an image, broken or cut off, too large, more than 8 bits a channel, or
            transparent.
    """
    with open_image(path) as image:
        return image.pixels()


def read_label(path: Path) -> npt.NDArray[np.uint8]:
    """Read class ids as they stand in a single-channel image; palette indices stay indices.

    Returns:
        ``(H, W)`` uint8.

    Raises:
        FileNotFoundError: no such file.
        OSError: the system does not let it be read.
        ValueError: not an image, broken or cut off, a colour image, or ids above 255.
    """
    with open_image(path) as label:
        return label.ids()


def check_pair(image: EncodedImage, label: npt.NDArray[np.uint8], label_path: Path) -> None:
    """Make sure that a label fits its image.

    Raises:
        ValueError: they differ in size.
    """
    height, width = image.size
    turned = f"is turned by its EXIF orientation ({image.orientation})"
    if image.size == label.shape:
        if image.orientation != 1:
            _turned.warn(f"{image.path} {turned}")
        return
    said = (
        f"{label_path}: {label.shape[1]}×{label.shape[0]} pixels, but its image {image.path} has "
        f"{width}×{height}"
    )
    if image.orientation != 1 and image.size == label.shape[::-1]:
        raise ValueError(
            f"{said} and {turned}; the label fits it as it is stored: turn the label likewise, or "
            "store the image without this tag"
        )
    raise ValueError(f"{said}: export the label at the size of its image")


def fit_label(
    image: EncodedImage, label: npt.NDArray[np.uint8], label_path: Path, tolerance: int
) -> npt.NDArray[np.uint8]:
    """Bring a label to the size of its image where they differ by little, and say so.

    Args:
        image: file of the image.
        label: ids ``(H, W)``.
        label_path: for messages.
        tolerance: pixels, of height and of width.

    Raises:
        ValueError: they differ by more.
    """
    apart = [abs(one - other) for one, other in zip(image.size, label.shape, strict=True)]
    if not 0 < max(apart) <= tolerance:
        check_pair(image, label, label_path)
        return label
    height, width = image.size
    _resized.warn(
        f"{label_path}: {label.shape[1]}×{label.shape[0]} pixels, its image has {width}×{height}"
    )
    return resize_label(label, image.size)


def resize_image(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Resize RGB ``(H, W, 3)`` to ``size`` (height, width), bilinear and antialiased."""
    if image.shape[:2] == tuple(size):
        return image
    resized = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.array(resized)


def resize_label(label: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Resize ids ``(H, W)`` to ``size`` (height, width), nearest neighbour."""
    if label.shape == tuple(size):
        return label
    resized = Image.fromarray(label).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.array(resized)


def nearest(count: int, wanted: int) -> npt.NDArray[np.int32]:
    """Which of so many pixels in a line :func:`resize_label` takes for another number of them.

    Returns:
        ``(wanted,)``, ascending.
    """
    line = Image.fromarray(np.arange(count, dtype=np.int32)[None])
    taken: npt.NDArray[np.int32] = np.array(line.resize((wanted, 1), Image.Resampling.NEAREST))[0]
    return taken
