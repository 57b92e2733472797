from __future__ import annotations

import json
import math

import pytest

from goodsam_pl.experiments.jobs import Job, Run, plan_runs
from goodsam_pl.experiments.plan import read_plan
from goodsam_pl.experiments.results import by_seed, mean_and_spread, read_scores, tables


@pytest.fixture
def scored(plan_file):
    """The runs of a plan, and scores of all but one."""
    plan = read_plan(plan_file)
    runs = plan_runs(plan)
    students = {"full": 50.0, "-yeast": 40.0, "-dough": 51.5}
    scores = {run: {"student": students[run.variation] + run.seed, "ta": 45.0} for run in runs[:-1]}
    return plan, runs, scores


def test_a_score_of_a_variation_for_each_seed(scored):
    _, _, scores = scored
    assert by_seed(scores, "loaf", "-yeast", "student") == {0: 40.0, 1: 41.0}
    assert by_seed(scores, "loaf", "-yeast", "fused") == {}


def test_the_mean_and_the_spread():
    assert mean_and_spread([1.0, 3.0]) == (2.0, pytest.approx(2**0.5))
    mean, spread = mean_and_spread([1.0])
    assert (mean, math.isnan(spread)) == (1.0, True)
    assert all(map(math.isnan, mean_and_spread([])))


def test_the_table_for_people(scored):
    lines = tables(*scored, "goodsam ablate plan.yaml")["md"].splitlines()
    assert lines[0] == "# Bread"
    assert "**Not complete: 1 of 6 runs are not done.**" in lines
    assert "over seeds 0, 1. Δ: student minus the student of `full`, paired by seed." in lines[4]
    assert lines[6:13] == [
        "Made by", "", "    goodsam ablate plan.yaml", "", "which calls, among others,", "",
        "    goodsam mill grind --out=… --fine=True",
    ]  # fmt: skip
    assert lines[-7:] == [
        "## loaf",
        "",
        "| variation | Δ | student | TA | seeds | |",
        "|---|---:|---:|---:|---:|---|",
        "| full | – | 50.50 ± 0.71 | 45.00 ± 0.00 | 2 | The preset as it stands. |",
        "| -yeast | −10.00 ± 0.00 | 40.50 ± 0.71 | 45.00 ± 0.00 | 2 | Flat. |",
        "| -dough | +1.50 | 51.50 | 45.00 | 1 | Raw. |",
    ]


def test_the_table_for_spreadsheets(scored):
    lines = tables(*scored, "goodsam")["csv"].splitlines()
    assert lines[0] == "preset,variation,seed,student_miou,fused_miou,ta_miou,source_only_miou"
    assert lines[1] == "loaf,full,0,50.00,,45.00,"
    assert len(lines) == 6


def test_the_folders_behind_the_scores(scored):
    runs = json.loads(tables(*scored, "goodsam")["json"])
    run = runs["loaf / -dough / seed 0"]
    assert run["miou"] == {"student": 51.5, "ta": 45.0}
    assert [stage.rpartition("-")[0] for stage in run["stages"]] == [
        "stages/flour", "stages/distillation-fit", "stages/distillation-test",
        "stages/rectification-test",
    ]  # fmt: skip


def test_scores_of_tables_of_classes(tmp_path):
    job = Job("source-test", "test", {})
    run = Run("loaf", "full", 0, {"ta": (job, "iou"), "fused": (job, "iou_fused")})
    assert read_scores([run], tmp_path) == {}  # there is no result yet
    folder = job.folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"key": job.key}))
    table = folder / "test_classes.csv"
    table.write_text("class,pixels,iou,iou_fused\nroad,9,0.9,nan\nmean,9,0.5,nan\n")
    assert read_scores([run], tmp_path) == {run: {"ta": 50.0}}  # a NaN is no score
    table.write_text("class,pixels,iou,iou_whole\nmean,9,0.5,0.4\n")
    with pytest.raises(ValueError, match="no column 'iou_fused', but iou, iou_whole: see the scor"):
        read_scores([run], tmp_path)
