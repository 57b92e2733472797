"""Scores as HTML, and curves as SVG."""

from __future__ import annotations

import re

import pytest

from goodsam_pl.views.report.class_scores import ClassScores
from goodsam_pl.views.report.curve_charts import curve_chart, thinned, ticks
from goodsam_pl.views.report.experiment_results import ExperimentResults, Variation
from goodsam_pl.views.report.run_results import RunResults
from goodsam_pl.views.report.score_tables import (
    class_bars,
    experiment_table,
    run_key,
    score_table,
)

NAN = float("nan")


def run(name: str, road: float, sky: float, pixels: int = 100) -> RunResults:
    mean = (road + sky) / 2
    scores = ClassScores(
        "test", ("road", "sky"), (pixels, 100), {"iou": (road, sky)}, {"iou": mean}
    )
    return RunResults(name, (scores,), {})


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def test_a_row_a_run_and_the_best_is_bold() -> None:
    html = score_table([run("a", 0.5, 0.7), run("b", 0.9, 0.7)])
    assert cells(html) == [["run", "test mIoU"], ["a", "60.0"], ["b", "80.0"]]
    assert re.findall(r'<td class="number best">(.*?)<', html) == ["80.0"]
    assert "Not all runs" not in html


def test_scores_on_other_labels_are_marked() -> None:
    html = score_table([run("a", 0.5, 0.7), run("b", 0.9, 0.7, pixels=101)])
    assert "Not all runs were scored on the same test labels" in html


def test_names_are_escaped() -> None:
    html = score_table([run("<b>", 0.5, 0.7)]) + class_bars([run("<b>", 0.5, 0.7)])
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_bars_are_as_long_as_their_scores_and_keep_their_run_s_colour() -> None:
    html = class_bars([RunResults("unscored", (), {}), run("a", 0.5, NAN)])
    assert re.findall(r"--run-(\d)\)\" title=\"a\"><i style=\"width: ([\d.]+)%", html) == [
        ("1", "45.0"),  # 100 % is 90, to leave room for the number
        ("1", "0.0"),
    ]
    assert "unscored" not in html
    assert class_bars([RunResults("unscored", (), {})]) == ""
    assert score_table([RunResults("unscored", (), {})]) == ""


def test_an_experiment_has_means_spreads_and_paired_differences() -> None:
    rows = (
        Variation("p", "full", {"student": {0: 40.0, 1: 42.0}}),
        Variation("p", "less", {"student": {0: 39.0, 1: 38.0}, "ta": {0: 50.0}}),
    )
    _, full, less = cells(experiment_table(ExperimentResults("e", rows)))
    assert full[:5] == ["full", "–", "41.00 ± 1.41", "–", "2"]
    assert less[:5] == ["less", "−2.50 ± 2.12", "38.50 ± 0.71", "50.00", "2"]


def test_the_key_names_runs_by_colour() -> None:
    assert re.findall(r"--run-(\d).*?</i>(.*?)<", run_key({0: "a", 9: "b"})) == [
        ("0", "a"),
        ("1", "b"),
    ]


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 1, [0, 0.5, 1]), (0, 10, [0, 5, 10]), (0.41, 0.43, [0.41, 0.415, 0.42, 0.425, 0.43])],
)
def test_ticks_are_round(low: float, high: float, found: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(found)


def test_a_long_curve_keeps_both_ends() -> None:
    curve = tuple((step, float(step)) for step in range(1001))
    short = thinned(curve, 5)
    assert short == ((0, 0.0), (250, 250.0), (500, 500.0), (750, 750.0), (1000, 1000.0))
    assert thinned(curve[:5], 5) == curve[:5]


def test_a_chart_has_a_line_from_corner_to_corner() -> None:
    html = curve_chart("train/<loss>", {2: ("a", ((0, 0.0), (10, 1.0))), 3: ("b", ((5, 0.5),))})
    assert 'points="46.0,166.0 310.0,8.0"' in html
    assert 'cx="178.0" cy="87.0"' in html
    assert "train/&lt;loss&gt;" in html
    assert "a: 1 at step 10" in html
