"""Points whose class is known, of panoramas that have no labels otherwise."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.data.text import read_lines
from goodsam_pl.taxonomy import TAXONOMIES, Taxonomy

__all__ = ["NAMES", "Point", "read_points"]

NAMES: Taxonomy = TAXONOMIES["cityscapes-19"]
"""The class set that points are told in."""

_COLUMNS = ["image", "x", "y", "class"]


class Point(NamedTuple):
    """A pixel and what it shows.

    Attributes:
        image: file name of the panorama, with its suffix.
        x: column of the panorama, pixels, from 0 at the left.
        y: row of the panorama, pixels, from 0 at the top.
        label: name of the class in Cityscapes.
    """

    image: str
    x: int
    y: int
    label: str


def read_points(path: Path) -> list[Point]:
    """Read points from a CSV with the columns ``image,x,y,class``.

    Lines that begin with # are comments.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has other columns, no point, one point twice, a coordinate that is no whole
            number from 0 on, or a class that Cityscapes does not have; with the line.
    """
    lines = [(number, line) for number, line in read_lines(path) if not line.startswith("#")]
    if not lines or lines[0][1].split(",") != _COLUMNS:
        raise ValueError(f"{path}: the first line without # is not {','.join(_COLUMNS)}")
    points: dict[tuple[str, int, int], Point] = {}
    for number, line in lines[1:]:
        point = _point(next(csv.reader([line])), f"{path}, line {number}")
        if point[:3] in points:
            raise ValueError(f"{path}, line {number}: this point of {point.image} stands twice")
        points[point[:3]] = point
    if not points:
        raise ValueError(f"{path} has no points: give some below the names of the columns")
    return list(points.values())


def _point(cells: list[str], place: str) -> Point:
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"{place}: {len(cells)} values instead of {','.join(_COLUMNS)}")
    image, x, y, label = (cell.strip() for cell in cells)
    if not image:
        raise ValueError(f"{place}: no name of an image")
    for name, value in (("x", x), ("y", y)):
        if not (value.isascii() and value.isdigit()):
            raise ValueError(f"{place}: {name} is {value!r}, not a pixel counted from 0")
    try:
        NAMES.index(label)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    return Point(image, int(x), int(y), label)
