"""A :class:`goodsam_pl.metrics.TaskMatrix` for files and for people: CSV, Markdown, a heat map."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from goodsam_pl.metrics import TaskMatrix
from goodsam_pl.views.pictures import Picture, heat_color

__all__ = ["heat_map", "matrix_csv", "matrix_from_csv", "matrix_markdown", "summary_markdown"]

_AFTER = "after"
_OUTSIDE = " (outside)"
_SUMMARY = {
    "last": "Last",
    "avg": "Avg",
    "forgetting": "forgetting",
    "aa": "AA",
    "fm": "FM",
    "ft": "FT",
}
_CELL, _LINE, _MARGIN = (68, 34), 18, 8


def matrix_csv(matrix: TaskMatrix) -> str:
    """One row a task, one column a domain, fractions of 1; empty where nothing was evaluated.

    The numbers are whole: :func:`matrix_from_csv` gives the same matrix back.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_AFTER, *matrix.domains, *(name + _OUTSIDE for name in matrix.outside)])
    for name, row in zip(matrix.domains, matrix.values, strict=True):
        writer.writerow([name, *("" if math.isnan(score) else repr(score) for score in row)])
    return text.getvalue()


def matrix_from_csv(text: str, path: Path) -> TaskMatrix:
    """Read what :func:`matrix_csv` wrote.

    Args:
        text: of the file.
        path: for messages.

    Raises:
        ValueError: it is no such file.
    """
    try:
        return _parsed([*csv.reader(io.StringIO(text))])
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"{path} is no matrix of a sequence ({error}): delete it, and score the tasks again"
        ) from error


def _parsed(rows: list[list[str]]) -> TaskMatrix:
    (after, *columns), *scores = rows
    domains = tuple(row[0] for row in scores)
    if after != _AFTER or tuple(columns[: len(domains)]) != domains:
        raise ValueError("its rows are not its columns")
    outside = columns[len(domains) :]
    if not all(name.endswith(_OUTSIDE) for name in outside):
        raise ValueError("a task has no row")
    return TaskMatrix(
        domains,
        tuple(name.removesuffix(_OUTSIDE) for name in outside),
        tuple(tuple(float(score) if score else math.nan for score in row[1:]) for row in scores),
    )


def matrix_markdown(matrix: TaskMatrix) -> str:
    """A table in percent, a task a row, and the six scores below."""
    head = ["after", *matrix.domains, *(f"*{name}*" for name in matrix.outside)]
    rows = [
        [name, *map(_percent, row)] for name, row in zip(matrix.domains, matrix.values, strict=True)
    ]
    told = ", ".join(
        f"{_SUMMARY[key]} {_percent(score)}" for key, score in matrix.summary().items()
    )
    return f"{_table(head, rows)}\n{told}\n"


def summary_markdown(matrices: Mapping[str, TaskMatrix]) -> str:
    """The six scores of several methods or measures, a row each, in percent."""
    rows = [[name, *map(_percent, each.summary().values())] for name, each in matrices.items()]
    return _table(["", *_SUMMARY.values()], rows)


def heat_map(matrix: TaskMatrix, title: str) -> Picture:
    """The matrix as a picture: the darker, the higher, from 0 to 1; grey was not evaluated.

    Args:
        matrix: of scores.
        title: above it.
    """
    font = ImageFont.load_default(size=12)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    widest = math.ceil(max(ruler.textlength(name, font=font) for name in matrix.columns))
    across = max(_CELL[0], widest + _MARGIN), _CELL[1]
    left, top = widest + 2 * _MARGIN, 2 * _LINE + _MARGIN
    size = (
        max(
            left + across[0] * len(matrix.columns),
            _MARGIN + math.ceil(ruler.textlength(title, font=font)),
        )
        + _MARGIN,
        top + across[1] * matrix.tasks + _MARGIN,
    )
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, fill="black", font=font)
    for column, name in enumerate(matrix.columns):
        middle = left + across[0] * (column + 0.5)
        draw.text((middle, top - _LINE + 2), name, fill="black", font=font, anchor="ma")
    for task, (name, row) in enumerate(zip(matrix.domains, matrix.values, strict=True)):
        upper = top + across[1] * task
        draw.text((_MARGIN, upper + across[1] / 2), name, fill="black", font=font, anchor="lm")
        for column, score in enumerate(row):
            corner = left + across[0] * column, upper
            box = (*corner, corner[0] + across[0] - 2, upper + across[1] - 2)
            draw.rectangle(box, fill=heat_color(score))
            if not math.isnan(score):
                place = corner[0] + across[0] / 2, upper + across[1] / 2
                ink = "white" if score > 0.5 else "black"
                draw.text(place, _percent(score), fill=ink, font=font, anchor="mm")
    picture: Picture = np.asarray(sheet)
    return picture


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _percent(fraction: float) -> str:
    return "–" if math.isnan(fraction) else f"{100 * fraction:.1f}"
