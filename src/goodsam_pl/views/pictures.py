"""How the stages of the method look: masks, labels, and a sheet of them with captions."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from goodsam_pl.data import denormalize
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.taxonomy import Taxonomy

__all__ = [
    "contact_sheet",
    "difference_picture",
    "heat_color",
    "image_picture",
    "label_picture",
    "mask_colors",
    "mask_picture",
    "png_bytes",
    "weight_picture",
]

Picture = npt.NDArray[np.uint8]
"""An RGB image, uint8 ``(H, W, 3)``."""

CORRECTED, SPOILT, UNDECIDED = (0, 200, 0), (220, 0, 0), (230, 200, 0)
"""What :func:`difference_picture` paints."""

_LOW, _HIGH, _NOTHING = np.array([250, 243, 221]), np.array([22, 94, 131]), (232, 232, 232)


def image_picture(image: Tensor) -> Picture:
    """A normalised image ``(3, H, W)`` as it was before."""
    pixels: Picture = denormalize(image).permute(1, 2, 0).cpu().numpy()
    return pixels


def label_picture(labels: Tensor, taxonomy: Taxonomy) -> Picture:
    """Class ids ``(H, W)`` in the colours of their taxonomy."""
    colors: Picture = taxonomy.colorize(labels.cpu().numpy())
    return colors


def mask_picture(image: Tensor, masks: Tensor, windows: WindowGrid) -> Picture:
    """SAM's masks over the panorama, each in a colour of its own, smaller ones on top.

    Where windows overlap the later one is shown. An id has the same colour in all windows.

    Args:
        image: normalised, ``(3, H, W)``.
        masks: index maps int ``(N, L, h, w)``, −1 = no mask.
        windows: the grid that N runs over.
    """
    plain, colors = image_picture(image), mask_colors(masks, windows)
    mixed: Picture = (0.4 * plain.astype(np.float32) + 0.6 * colors).round().astype(np.uint8)
    return np.where(colors.any(axis=2, keepdims=True), mixed, plain)


def mask_colors(masks: Tensor, windows: WindowGrid) -> Picture:
    """As :func:`mask_picture`, the colours alone: black where there is no mask.

    Args:
        masks: index maps int ``(N, L, h, w)``, −1 = no mask.
        windows: the grid that N runs over.
    """
    picture = np.zeros((*windows.image_size, 3), np.uint8)
    height, width = windows.window_size
    colors = np.random.default_rng(0).integers(40, 256, (int(masks.max()) + 2, 3), np.uint8)
    for index, window in enumerate(masks.amax(dim=1).cpu().numpy()):
        top, left = windows.corner(index)
        rows = slice(top, top + height)
        columns = np.arange(left, left + width) % windows.image_size[1]
        under = picture[rows, columns]
        picture[rows, columns] = np.where((window >= 0)[..., None], colors[window], under)
    return picture


def weight_picture(weight: Tensor) -> Picture:
    """Weights ``(H, W)`` in [0, 1] as grey: black is not trusted, white is."""
    grey = (255 * weight.float()).round().to("cpu", torch.uint8).numpy()
    return np.repeat(grey[..., None], 3, axis=2)


def difference_picture(
    image: Tensor, before: Tensor, after: Tensor, truth: Tensor | None = None, ignored: int = 255
) -> Picture:
    """Where labels changed, over the darkened panorama, and whether that was right.

    Green: wrong before, right after. Red: right before, wrong after. Yellow: wrong both times, or
    nobody knows.

    Args:
        image: normalised, ``(3, H, W)``.
        before: class ids ``(H, W)``.
        after: class ids ``(H, W)``.
        truth: class ids ``(H, W)``, where there are any.
        ignored: the label of unknown truth.
    """
    picture = image_picture(image) // 2
    changed = before != after
    picture[changed.cpu().numpy()] = UNDECIDED
    if truth is not None:
        known = changed & (truth != ignored)
        picture[(known & (after == truth)).cpu().numpy()] = CORRECTED
        picture[(known & (before == truth)).cpu().numpy()] = SPOILT
    return picture


def heat_color(share: float) -> tuple[int, ...]:
    """The colour of a number from 0 to 1: the darker, the higher; NaN is grey."""
    if math.isnan(share):
        return _NOTHING
    mixed = _LOW + (_HIGH - _LOW) * min(max(share, 0.0), 1.0)
    return tuple(mixed.round().astype(int).tolist())


def png_bytes(picture: Picture) -> bytes:
    """A picture as a PNG file."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="PNG")
    return content.getvalue()


def contact_sheet(columns: Sequence[Sequence[tuple[str, Picture]]], margin: int = 6) -> Picture:
    """Captioned pictures of one size, one under the other, and side by side in columns.

    Args:
        columns: caption and picture, from top to bottom, for each column.
        margin: pixels between the pictures.
    """
    font = ImageFont.load_default(size=14)
    line = 20
    height, width = columns[0][0][1].shape[:2]
    rows = max(map(len, columns))
    size = (
        len(columns) * (width + margin) + margin,
        rows * (height + line + margin) + margin,
    )
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, entries in enumerate(columns):
        left = margin + column * (width + margin)
        for row, (caption, picture) in enumerate(entries):
            top = margin + row * (height + line + margin)
            draw.text((left, top), caption, fill="black", font=font)
            sheet.paste(Image.fromarray(picture), (left, top + line))
    pixels: Picture = np.asarray(sheet)
    return pixels
