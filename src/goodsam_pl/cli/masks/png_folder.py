"""Masks as segment-anything's ``amg.py`` writes them by default: PNGs and a table in a folder."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path

import numpy as np

from goodsam_pl.data.decoding import open_image
from goodsam_pl.files import read_regular
from goodsam_pl.masks.index_map import Integers
from goodsam_pl.masks.saved_files import ImageNote, Saved
from goodsam_pl.masks.saved_mask import Binary, SavedMask, mask_from_annotation

__all__ = ["TABLE", "read_png_folder"]

TABLE = "metadata.csv"
"""The table, with a row for each PNG."""


def read_png_folder(folder: Path) -> list[Saved]:
    """Read ``0.png``, ``1.png``, … with their scores from ``metadata.csv``.

    White is the mask.

    Raises:
        ValueError: PNGs and rows do not belong together, or one of them is broken.
    """
    table = folder / TABLE
    masks = []
    pictures = {path.stem: path for path in sorted(folder.iterdir()) if _is_picture(path)}
    for number, row in enumerate(_rows(table), start=2):
        name = row.get("id")
        if name is None or name not in pictures:
            raise ValueError(f"{table}, line {number}: there is no {name}.png beside it")
        try:
            masks.append(_mask(pictures.pop(name), row))
        except ValueError as error:
            told = str(error)
            inside = told.startswith(str(folder))
            raise ValueError(told if inside else f"{table}, line {number}: {error}") from error
    if pictures:
        raise ValueError(f"{table}: no row for {min(pictures)}.png, nor {len(pictures) - 1} more")
    return [Saved(masks, ImageNote())]


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        text = read_regular(table).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table}: no table of comma-separated values: {error}") from error
    if rows and "id" not in rows[0]:
        raise ValueError(f"{table}: there is no column id; amg.py writes one")
    return rows


def _mask(path: Path, row: dict[str, str]) -> SavedMask:
    with open_image(path) as image:
        size = image.size
    # scores are checked as those of other files are
    scores = {name: row.get(name) or None for name in ("predicted_iou", "stability_score")}
    counts = {"size": list(size), "counts": []}
    checked = mask_from_annotation({"segmentation": counts, **scores}, None)
    return checked._replace(sample=partial(_pixels, path))


def _pixels(path: Path, rows: Integers, columns: Integers) -> Binary:
    with open_image(path) as image:
        pixels: Binary = image.ids()[np.ix_(rows, columns)] > 0
    return pixels


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".")
