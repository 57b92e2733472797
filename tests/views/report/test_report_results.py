"""What runs and experiments leave, read for a report."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
import wandb

from goodsam_pl.views.report.class_scores import read_class_scores
from goodsam_pl.views.report.experiment_results import read_experiment
from goodsam_pl.views.report.logged_curves import read_curves
from goodsam_pl.views.report.run_results import is_run, read_run
from goodsam_pl.views.report.wandb_history import wandb_history

TABLE = "class,pixels,iou,iou_fused\nroad,300,0.9,0.8\nsky,100,nan,0.6\nmean,400,0.9,0.7\n"


def csv_log(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.csv").write_text(text, "utf-8")


def test_tables_of_classes_are_read_test_before_validation(tmp_path: Path) -> None:
    for split in ("val", "test"):
        (tmp_path / f"{split}_classes.csv").write_text(TABLE, "utf-8")
    test, val = read_class_scores(tmp_path)
    assert (test.split, val.split) == ("test", "val")
    assert test.classes == ("road", "sky")
    assert test.pixels == (300, 100)
    assert test.means == {"iou": 0.9, "iou_fused": 0.7}
    assert test.columns["iou_fused"] == (0.8, 0.6)
    assert math.isnan(test.columns["iou"][1])


@pytest.mark.parametrize("text", ["", "class,pixels,iou\nroad,3,0.1\n", TABLE.replace("0.8", "x")])
def test_a_damaged_table_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "val_classes.csv").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"val_classes\.csv is damaged"):
        read_class_scores(tmp_path)


def test_curves_are_what_a_training_logged(tmp_path: Path) -> None:
    csv_log(tmp_path / "csv/version_0", "epoch,step,train/loss,val/miou\n0,1,2.5,\n0,3,1.5,0.25\n")
    assert read_curves(tmp_path) == {
        "train/loss": ((1, 2.5), (3, 1.5)),
        "val/miou": ((3, 0.25),),
    }


def test_a_later_log_counts_from_its_first_step_on(tmp_path: Path) -> None:
    csv_log(tmp_path / "version_0", "step,train/loss\n1,5\n2,4\n3,3\n")
    csv_log(tmp_path / "version_1", "step,train/loss\n2,4.5\n")
    assert read_curves(tmp_path) == {"train/loss": ((1, 5.0), (2, 4.5))}


def test_a_log_without_training_has_no_curves(tmp_path: Path) -> None:
    csv_log(tmp_path, "step,test/miou\n9,0.5\n")
    assert read_curves(tmp_path) == {}


def test_curves_skip_what_is_no_number_and_tell_damage(tmp_path: Path) -> None:
    csv_log(tmp_path, "step,train/loss\n1,nan\n2,inf\n3,1\n")
    assert read_curves(tmp_path) == {"train/loss": ((3, 1.0),)}
    csv_log(tmp_path, "step,train/loss\n1,much\n")
    with pytest.raises(ValueError, match=r"metrics\.csv is damaged"):
        read_curves(tmp_path)


def test_an_offline_run_of_wandb_is_read_back(tmp_path: Path) -> None:
    run = wandb.init(dir=tmp_path, mode="offline", project="p")
    for step in range(300):  # more than one block of its file
        run.log({"trainer/global_step": step, "train/loss": 1 / (step + 1), "note": "x" * 150})
    run.finish()
    until = time.monotonic() + 60  # a process of its own writes, and goes on for a moment
    while len(read_curves(tmp_path).get("train/loss", ())) < 300 and time.monotonic() < until:
        time.sleep(0.2)
    curve = read_curves(tmp_path)["train/loss"]
    assert curve == tuple((step, pytest.approx(1 / (step + 1))) for step in range(300))
    (log,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    log.write_bytes(log.read_bytes()[:40_000])  # as of a run that was killed
    cut = [row["train/loss"] for row in wandb_history(log)]
    assert 10 < len(cut) < 300
    assert cut == pytest.approx([1 / (step + 1) for step in range(len(cut))])


def test_what_is_no_log_of_wandb_is_told(tmp_path: Path) -> None:
    log = tmp_path / "run-x.wandb"
    log.write_bytes(b"something else")
    with pytest.raises(ValueError, match="no log of Weights & Biases"):
        next(wandb_history(log))


def test_a_run_is_told_by_what_it_leaves(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    (tmp_path / "test_classes.csv").write_text(TABLE, "utf-8")
    assert is_run(tmp_path)
    run = read_run(tmp_path, "mine")
    assert (run.name, len(run.scores), dict(run.curves)) == ("mine", 1, {})


def test_an_experiment_is_read_row_by_row(tmp_path: Path) -> None:
    runs = {
        "goodsam / full / seed 0": {"miou": {"student": 40.0, "ta": 50.0}},
        "goodsam / a / b / seed 0": {"miou": {"student": 38.0}},
        "goodsam / full / seed 1": {"miou": {"student": 42.0}},
    }
    (tmp_path / "ablation.json").write_text(json.dumps(runs), "utf-8")
    full, other = read_experiment(tmp_path, "e").variations
    assert (full.preset, full.name) == ("goodsam", "full")
    assert full.miou == {"student": {0: 40.0, 1: 42.0}, "ta": {0: 50.0}}
    assert (other.name, other.miou) == ("a / b", {"student": {0: 38.0}})


@pytest.mark.parametrize("content", ["[]", "{", '{"full": {"miou": {}}}', '{"a / b / seed x": 1}'])
def test_a_damaged_experiment_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "ablation.json").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=r"ablation\.json is damaged"):
        read_experiment(tmp_path, "e")
