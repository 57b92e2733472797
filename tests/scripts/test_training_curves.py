"""Curves of a plan's trainings: read by row and seed, and where each was best."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import training_curves
from goodsam_pl.experiments.jobs import plan_runs
from goodsam_pl.experiments.plan import read_plan

PLAN = Path(__file__).parents[2] / "configs" / "goodsam" / "ablation" / "given_time.yaml"


def _log(out: Path, preset: str, seed: int, lines: str) -> None:
    [fit] = [
        job
        for run in plan_runs(read_plan(PLAN))
        if (run.preset, run.seed) == (preset, seed)
        for job in run.jobs
        if job.name == "joint-fit"
    ]
    folder = fit.folder(out) / "csv"
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text(f"epoch,step,train/loss,val/miou\n{lines}")


def test_curves_are_read_drawn_and_their_best_steps_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _log(tmp_path, "paper", 0, "0,4,1.5,\n1,99,,0.25\n3,199,,0.5\n5,299,,0.5\n")
    _log(tmp_path, "paper", 2, "1,99,,0.75\n")
    out = tmp_path / "curves.png"
    words = [str(PLAN), str(tmp_path), "--stage", "joint", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["training_curves.py", *words])

    training_curves.main()

    # the earliest of equals; plus_plus has not begun
    best = json.loads(capsys.readouterr().out)
    assert best == {"paper: full": {"0": [200, 0.5], "2": [100, 0.75]}}
    with Image.open(out) as picture:
        assert picture.size == (840, 480)


def test_nothing_to_draw_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(PLAN), str(tmp_path), "--stage", "joint", "--out", str(tmp_path / "a.png")]
    monkeypatch.setattr(sys, "argv", ["training_curves.py", *words])
    with pytest.raises(SystemExit):
        training_curves.main()
    assert "no training of 'joint'" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_the_plan_scores_where_val_was_best() -> None:
    scored = {
        job.checkpoint.scored
        for run in plan_runs(read_plan(PLAN))
        for job in run.jobs
        if job.name == "joint-test" and job.checkpoint
    }
    assert scored == {"best"}
