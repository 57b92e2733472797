"""What the folders of a report are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from report_folders import experiment, predictions, scored_run, stages

from goodsam_pl.views.report.report_inputs import find_inputs, short_names


def test_each_folder_is_told_by_what_it_holds(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "run")
    plan = experiment(tmp_path / "plan")
    labels = predictions(tmp_path / "labels", tmp_path / "a.png")
    shown = stages(tmp_path / "stages")
    found = find_inputs([run, plan, labels, shown])
    assert (found.runs, found.experiments) == ([run], [plan])
    assert (found.predictions, found.stages) == ([labels], [shown])
    assert found.all == [run, plan, labels, shown]
    assert find_inputs([shown / "a"]).stages == [shown / "a"]


def test_a_folder_of_runs_stands_for_them_and_predictions_come_along(tmp_path: Path) -> None:
    one, two = scored_run(tmp_path / "road/one"), scored_run(tmp_path / "road/two")
    labels = predictions(one / "predictions", tmp_path / "a.png")
    shown = stages(two / "stages")
    found = find_inputs([tmp_path / "road"])
    assert (found.runs, found.predictions, found.stages) == ([one, two], [labels], [shown])
    names = short_names(found.all)
    assert [names[each] for each in found.all] == ["one", "two", "one", "two"]


def test_names_are_as_long_as_it_takes(tmp_path: Path) -> None:
    folders = [tmp_path / each for each in ("seed_0/student", "seed_1/student", "other")]
    assert [*short_names(folders).values()] == ["seed_0/student", "seed_1/student", "other"]


def test_what_is_nothing_of_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is no folder"):
        find_inputs([tmp_path / "missing"])
    (tmp_path / "holiday").mkdir()
    with pytest.raises(ValueError, match="holds nothing that a report shows"):
        find_inputs([tmp_path / "holiday"])
