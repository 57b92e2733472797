"""Reading images and label maps: every file either comes out right or says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

__all__ = [
    "check_pair",
    "read_image",
    "read_label",
    "read_size",
    "resize_image",
    "resize_label",
]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
"""Suffixes, in lower case, that directory listings take for images."""

_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_SIDEWAYS = (5, 6, 7, 8)


def read_size(path: Path) -> tuple[int, int]:
    """Height and width of an image, upright, pixels; only its header is read.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image.
    """
    with _told_with_path(path), Image.open(path) as image:
        width, height = image.size
        sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    return (width, height) if sideways else (height, width)


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Decode an image to RGB, upright.

    Grey, palette and CMYK images are converted; an opaque alpha channel is dropped; an EXIF
    orientation is applied.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, broken or cut off, more than 8 bits a channel, or transparent.
    """
    image = _decode(path)
    if image.mode in _DEEP_MODES:
        raise ValueError(
            f"{path}: {image.mode} pixels (more than 8 bits): save it as 8-bit RGB, with the "
            "exposure that networks trained on photographs expect"
        )
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if np.asarray(alpha).min() < 255:
            raise ValueError(
                f"{path}: partly transparent: save it as RGB on the background you want"
            )
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def read_label(path: Path) -> npt.NDArray[np.uint8]:
    """Read class ids as they stand in a single-channel image; palette indices stay indices.

    Returns:
        ``(H, W)`` uint8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, broken or cut off, a colour image, or ids above 255.
    """
    label = _decode(path)
    if label.mode not in ("L", "P", "1", *_DEEP_MODES) or label.mode == "F":
        raise ValueError(
            f"{path}: a label holds one class id per pixel, this is a colour image "
            f"({label.mode}): point to the id map (as *_labelTrainIds.png), not its picture"
        )
    if label.mode == "1":
        label = label.point(lambda value: value // 255, "L")
    ids = np.array(label)
    if ids.min() < 0 or ids.max() > 255:
        worst = int(ids.max()) if ids.max() > 255 else int(ids.min())
        raise ValueError(
            f"{path}: holds the id {worst}; class ids are 0..255, is this an instance map?"
        )
    return ids.astype(np.uint8)


def check_pair(
    image: npt.NDArray[np.uint8], label: npt.NDArray[np.uint8], image_path: Path, label_path: Path
) -> None:
    """Make sure that a label fits its image.

    Raises:
        ValueError: they differ in size.
    """
    if image.shape[:2] != label.shape:
        raise ValueError(
            f"{label_path}: {label.shape[1]}×{label.shape[0]} pixels, but its image {image_path} "
            f"has {image.shape[1]}×{image.shape[0]}: export the label at the size of its image"
        )


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


def _decode(path: Path) -> Image.Image:
    """Load all pixels, turned upright."""
    with _told_with_path(path), Image.open(path) as image:
        return ImageOps.exif_transpose(image)


@contextmanager
def _told_with_path(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not an image that Pillow can read") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        # Pillow reports broken PNG chunks as SyntaxError
        raise ValueError(
            f"{path}: broken or cut off ({error}): fetch the file again, or remove it"
        ) from error
