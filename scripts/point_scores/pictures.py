"""Panoramas with what was wrongly said at points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from goodsam_pl.data.files import read_image
from point_scores.scores import Scores

__all__ = ["draw_mistakes", "write_mistakes"]

_RING = 6
"""Radius of the ring around a wrong point, pixels."""

_WRONG = (255, 0, 255)


def draw_mistakes(
    image: npt.NDArray[np.uint8], mistakes: Sequence[tuple[int, int, str]]
) -> Image.Image:
    """Draw rings around wrong points, each with a text to its right.

    Args:
        image: RGB ``(H, W, 3)`` uint8.
        mistakes: column, row and text of each, pixels. At the right edge the text goes to the left.
    """
    picture = Image.fromarray(image)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=14)
    for x, y, text in mistakes:
        draw.ellipse((x - _RING, y - _RING, x + _RING, y + _RING), outline=_WRONG, width=2)
        width = draw.textlength(text, font=font)
        left = x + 2 * _RING if x + 2 * _RING + width < picture.width else x - 2 * _RING - width
        place = (left, y - 8)
        draw.text(place, text, font=font, fill="white", stroke_width=2, stroke_fill="black")
    return picture


def write_mistakes(
    scores: Scores, sizes: Mapping[str, tuple[int, int]], panoramas: Path, out: Path
) -> int:
    """Write ``out/FOLDER/IMAGE.png`` for every panorama with a wrong point.

    Args:
        scores: of the folder.
        sizes: height and width that each panorama has by its label.
        panoramas: the folder of the panoramas.
        out: where the pictures go.

    Returns:
        How many there are.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a panorama is missing or has another size than its label.
    """
    texts: dict[str, list[tuple[int, int, str]]] = {}
    for point, said in scores.mistakes:
        text = f"{said}, is {point.label}"
        texts.setdefault(point.image, []).append((point.x, point.y, text))
    for name, mistakes in texts.items():
        path = panoramas / name
        if not path.is_file():
            raise ValueError(f"{panoramas} has no {name}: name the folder of the panoramas")
        image = read_image(path)
        if image.shape[:2] != sizes[name]:
            raise ValueError(
                f"{path} has {image.shape[1]}×{image.shape[0]} pixels, and its label is of "
                f"{sizes[name][1]}×{sizes[name][0]}"
            )
        target = out / scores.name / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        draw_mistakes(image, mistakes).save(target)
    return len(texts)
