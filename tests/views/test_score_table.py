"""Two kinds of prediction in three classes, the last of which is absent."""

from __future__ import annotations

import csv
import io
import math

import pytest
import torch
from rich.console import Console

from goodsam_pl.metrics import SegmentationScores, scores_from_confusion
from goodsam_pl.views.score_table import ScoreTable

CLASSES = ("road", "sky", "train")
WHOLE = scores_from_confusion(torch.tensor([[1200, 400, 0], [0, 400, 0], [0, 0, 0]]))
WINDOWED = scores_from_confusion(torch.tensor([[1600, 0, 0], [0, 400, 0], [0, 0, 0]]))


def table(*scores: SegmentationScores, classes: tuple[str, ...] = CLASSES) -> ScoreTable:
    return ScoreTable(classes, dict(zip(("whole", "windowed"), scores, strict=False)))


def printed(shown: ScoreTable) -> list[list[str]]:
    """The cells of the printed rows."""
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(shown.for_console("Scores"))
    lines = console.export_text().replace("┃", "│").splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]


def extras() -> ScoreTable:
    """The first kind alone has a boundary IoU and a disagreement at the seam."""
    boundary = torch.tensor([0.5, 0.25, math.nan], dtype=torch.float64)
    seam = torch.tensor(1.5, dtype=torch.float64)
    return table(WHOLE._replace(boundary_iou=boundary, seam_disagreement=seam), WINDOWED)


def test_rows_are_classes_and_then_the_mean_in_fractions() -> None:
    shown = table(WHOLE, WINDOWED)
    assert shown.header() == ["class", "pixels", "iou", "iou_windowed"]
    road, sky, train, mean = shown.rows()
    assert road == ["road", 1600, 0.75, 1.0]
    assert sky == ["sky", 400, 0.5, 1.0]
    assert train[:2] == ["train", 0]
    assert all(math.isnan(value) for value in train[2:])
    assert mean == ["mean", 2000, 0.625, 1.0]


def test_boundaries_have_a_column_and_seams_stand_in_the_last_row() -> None:
    shown = extras()
    assert shown.header()[2:] == ["iou", "iou_windowed", "boundary_iou", "seam_disagreement"]
    *classes, mean = shown.rows()
    assert [row[4] for row in classes[:2]] == [0.5, 0.25]
    assert all(math.isnan(row[5]) for row in classes)
    assert mean[4:] == [0.375, 1.5]


def test_a_csv_file_holds_the_rows() -> None:
    shown = table(WHOLE)
    text = shown.as_csv()
    assert text.splitlines()[:3] == ["class,pixels,iou", "road,1600,0.75", "sky,400,0.5"]
    assert text.endswith("mean,2000,0.625\n")
    read = list(csv.reader(io.StringIO(text)))
    assert read == [shown.header(), *([str(cell) for cell in row] for row in shown.rows())]


def test_the_console_shows_percent_and_a_dash_where_there_is_none() -> None:
    assert printed(table(WHOLE, WINDOWED)) == [
        ["class", "pixels", "whole", "windowed"],
        ["road", "1,600", "75.0", "100.0"],
        ["sky", "400", "50.0", "100.0"],
        ["train", "0", "–", "–"],
        ["mean", "2,000", "62.5", "100.0"],
        ["pixel accuracy", "", "80.0", "100.0"],
    ]


def test_the_console_shows_seams_as_a_ratio() -> None:
    rows = printed(extras())
    assert rows[0] == ["class", "pixels", "whole", "windowed", "whole, boundary"]
    assert rows[-1][:3] == ["seam disagreement", "", "1.50"]


def test_the_caption_says_over_which_classes_the_mean_is() -> None:
    assert table(WHOLE).caption == "mean over 2 of 3 classes"
    assert table(scores_from_confusion(torch.eye(3, dtype=torch.int64))).caption == ""
    confusion = torch.tensor([[5, 0, 0, 0], [0, 5, 0, 0], [0, 0, 0, 5]])
    unnamed = scores_from_confusion(confusion, unnamed=[2])
    wanted = "mean over 2 of 3 classes; the network has no class for train"
    assert table(unnamed).caption == wanted


def test_other_numbers_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 class names for 3 classes"):
        table(WHOLE, classes=CLASSES[:2])
