"""Scores of every class as pictures: which class was taken for which, and a bar for each IoU."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from goodsam_pl.metrics import SegmentationScores
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.taxonomy.class_set import Color
from goodsam_pl.views.pictures import Picture, heat_color

__all__ = ["OTHER", "class_bars", "confusion_picture"]

OTHER = "none of these"
"""What predictions are called that are of no class of the protocol."""

_LINE, _MARGIN, _SWATCH = 18, 8, 10
_TITLE = 2 * _LINE + 6
_CELL, _SMALL_CELL, _MANY = 30, 14, 40
_BAR, _VALUE = 400, 44
_GRID, _MEAN = (225, 225, 225), (60, 60, 60)


def confusion_picture(scores: SegmentationScores, taxonomy: Taxonomy, title: str) -> Picture:
    """What the pixels of each class were taken for.

    A row is a class of the labels, and its cells are shares of its pixels in percent, so that the
    diagonal is the accuracy of each class; empty cells are less than half a percent. Grey rows have
    no pixel. With more than 40 classes cells are small, and without numbers.

    Args:
        scores: of one kind of prediction.
        taxonomy: names and colours of the K classes.
        title: first line above it; the second has the mean of the diagonal.

    Raises:
        ValueError: the number of classes is not K.
    """
    scores.check_names(taxonomy.classes)
    shares = scores.confusion_shares
    cell = _CELL if len(shares) <= _MANY else _SMALL_CELL
    font = _font(12 if cell == _CELL else 10)
    names = list(taxonomy.classes)
    columns = names + [OTHER] * (shares.shape[1] - shares.shape[0])
    around = _widest(columns, font) + _SWATCH + 3 * _MARGIN
    top = around + _TITLE
    lines = title, f"rows: labels, columns: predictions, percent; mean {_mean(scores)}"
    width = max(around + cell * len(columns), _MARGIN + _widest(lines, _font(13))) + _MARGIN
    sheet = Image.new("RGB", (width, top + cell * len(names) + _MARGIN), "white")
    draw = _titled(sheet, lines)
    upright = Image.new("RGB", (around, cell * len(columns)), "white")
    _names(ImageDraw.Draw(upright), columns, taxonomy.palette, (0, cell), font)
    sheet.paste(upright.transpose(Image.Transpose.ROTATE_90), (around, top - around))
    _names(draw, names, taxonomy.palette, (top, cell), font)
    for row, values in enumerate(shares.tolist()):
        for column, share in enumerate(values):
            left, upper = around + cell * column, top + cell * row
            draw.rectangle((left, upper, left + cell - 2, upper + cell - 2), fill=heat_color(share))
            if cell == _CELL and share >= 0.005:
                ink = "white" if share > 0.5 else "black"
                place = left + cell / 2 - 1, upper + cell / 2 - 1
                draw.text(place, f"{100 * share:.0f}", fill=ink, font=font, anchor="mm")
    return _pixels(sheet)


def class_bars(scores: SegmentationScores, taxonomy: Taxonomy, title: str) -> Picture:
    """The IoU of each class as a bar in its colour, from 0 to 100 percent, and a line at the mean.

    Args:
        scores: of one kind of prediction.
        taxonomy: names and colours of the K classes.
        title: above it.

    Raises:
        ValueError: the number of classes is not K.
    """
    scores.check_names(taxonomy.classes)
    font = _font(12)
    names = list(taxonomy.classes)
    left = _widest(names, font) + 2 * _MARGIN
    top, mean = _TITLE + _MARGIN, scores.miou.item()
    lines = title, f"IoU in percent, mean {_percent(mean)}"
    width = max(left + _BAR + _VALUE, _MARGIN + _widest(lines, _font(13))) + _MARGIN
    bottom = top + _LINE * len(names)
    sheet = Image.new("RGB", (width, bottom + _MARGIN), "white")
    draw = _titled(sheet, lines)
    for tenth in range(0, 11, 2):
        x = left + _BAR * tenth / 10
        draw.line((x, top, x, bottom), fill=_GRID)
    for row, (name, color, iou) in enumerate(
        zip(names, taxonomy.palette, scores.iou.tolist(), strict=True)
    ):
        upper = top + _LINE * row
        middle = upper + _LINE / 2
        draw.text((left - _MARGIN, middle), name, fill="black", font=font, anchor="rm")
        end = left + (0 if math.isnan(iou) else round(_BAR * iou))
        if end > left:
            box = (left, upper + 2, end, upper + _LINE - 3)
            draw.rectangle(box, fill=color, outline=_MEAN)
        place = left + _BAR + _VALUE, middle
        draw.text(place, _percent(iou), fill="black", font=font, anchor="rm")
    if not math.isnan(mean):
        x = left + _BAR * mean
        draw.line((x, top - 4, x, bottom + 4), fill=_MEAN)
    return _pixels(sheet)


def _names(
    draw: ImageDraw.ImageDraw,
    names: list[str],
    palette: tuple[Color, ...],
    rows: tuple[int, int],
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """Names one below the other, each with its colour, from the first row's place in steps."""
    top, step = rows
    for index, name in enumerate(names):
        middle = top + step * (index + 0.5)
        if index < len(palette):
            box = (_MARGIN, middle - _SWATCH / 2, _MARGIN + _SWATCH, middle + _SWATCH / 2)
            draw.rectangle(box, fill=palette[index], outline=_MEAN)
        place = (2 * _MARGIN + _SWATCH, middle)
        draw.text(place, name, fill="black", font=font, anchor="lm")


def _titled(sheet: Image.Image, lines: tuple[str, str]) -> ImageDraw.ImageDraw:
    draw = ImageDraw.Draw(sheet)
    for index, line in enumerate(lines):
        draw.text((_MARGIN, 4 + _LINE * index), line, fill="black", font=_font(13))
    return draw


def _mean(scores: SegmentationScores) -> str:
    """Of the diagonal, over the classes that are labelled, and that the network has a name for."""
    diagonal = scores.confusion_shares.diagonal()
    return _percent(torch.nanmean(diagonal[~scores.iou.isnan()]).item())


def _widest(texts: list[str] | tuple[str, ...], font: ImageFont.FreeTypeFont) -> int:
    return math.ceil(max(font.getlength(text) for text in texts))


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101  # with a size it is one
    return font


def _percent(fraction: float) -> str:
    return "none" if math.isnan(fraction) else f"{100 * fraction:.1f}"


def _pixels(sheet: Image.Image) -> Picture:
    pixels: Picture = np.asarray(sheet)
    return pixels
