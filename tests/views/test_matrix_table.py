"""The matrix of a sequence, for files and for people."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from goodsam_pl.metrics import TaskMatrix
from goodsam_pl.views.matrix_table import (
    heat_map,
    matrix_csv,
    matrix_from_csv,
    matrix_markdown,
    summary_markdown,
)

NAN = math.nan
MATRIX = TaskMatrix(("rail", "polyp"), ("natural",), ((0.9, NAN, 0.7654321), (0.1 + 0.2, 1.0, 0.5)))


def test_a_csv_file_gives_the_matrix_back() -> None:
    text = matrix_csv(MATRIX)
    assert text.splitlines() == [
        "after,rail,polyp,natural (outside)",
        "rail,0.9,,0.7654321",
        "polyp,0.30000000000000004,1.0,0.5",
    ]
    read = matrix_from_csv(text, Path("iou.csv"))
    assert (read.domains, read.outside) == (MATRIX.domains, MATRIX.outside)
    np.testing.assert_array_equal(read.values, MATRIX.values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n",
        "after,rail\npolyp,1\n",
        "after,rail\nrail,1,2\n",
        "after,a\na,high\n",
        "after,a,b\na,1,1\n",
    ],
)
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"iou\.csv is no matrix of a sequence .*: delete it"):
        matrix_from_csv(text, Path("iou.csv"))


def test_tables_are_in_percent() -> None:
    assert matrix_markdown(MATRIX).splitlines() == [
        "| after | rail | polyp | *natural* |",
        "| --- | --- | --- | --- |",
        "| rail | 90.0 | – | 76.5 |",
        "| polyp | 30.0 | 100.0 | 50.0 |",
        "",
        "Last 65.0, Avg 77.5, forgetting 60.0, AA 65.0, FM 30.0, FT –",
    ]
    assert summary_markdown({"IoU": MATRIX}).splitlines()[2] == (
        "| IoU | 65.0 | 77.5 | 60.0 | 65.0 | 30.0 | – |"
    )


def test_a_heat_map_is_darker_where_scores_are_higher() -> None:
    def cell(matrix: TaskMatrix, column: int) -> tuple[int, ...]:
        """Colour of a corner of a cell of the last row, which has no ink."""
        picture = heat_map(matrix, "IoU")
        width = 68 * len(matrix.columns)
        left = picture.shape[1] - 8 - width + 68 * column
        return tuple(picture[picture.shape[0] - 8 - 34 + 2, left + 2].tolist())

    row = TaskMatrix(("a",), ("b", "c", "d"), ((0.0, 0.5, 1.0, NAN),))
    colours = [cell(row, column) for column in range(4)]
    assert colours == [(250, 243, 221), (136, 168, 176), (22, 94, 131), (232, 232, 232)]


def test_names_fit_into_the_heat_map() -> None:
    long = TaskMatrix.empty(["a domain with a rather long name", "b"])
    assert heat_map(long, "IoU").shape[1] > 3 * heat_map(TaskMatrix.empty(["a", "b"]), "I").shape[1]
    short = heat_map(
        TaskMatrix.empty(["a"]), "a title that is much wider than a matrix of one cell"
    )
    assert short.shape[1] > 250
