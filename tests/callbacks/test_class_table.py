from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import torch
import wandb
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from torch.utils.data import DataLoader

from goodsam_pl.callbacks import ClassTable
from goodsam_pl.metrics import scores_from_confusion
from goodsam_pl.taxonomy import get_taxonomy

sys.path.insert(0, str(Path(__file__).parents[1]))
from wandb_runs import history_with

CLASSES = get_taxonomy("camvid-11").classes
WHOLE = torch.zeros(11, 11, dtype=torch.int64)
WHOLE[0, 0], WHOLE[0, 1], WHOLE[1, 1] = 1200, 400, 100
WINDOWED = torch.zeros(11, 11, dtype=torch.int64)
WINDOWED[0, 0], WINDOWED[1, 1] = 1600, 100


class Scored(LightningModule):
    """Has scores to show, however it got them."""

    def __init__(self, confusions):
        super().__init__()
        self.taxonomy = get_taxonomy("camvid-11")
        self.confusions = confusions
        self.latest_scores = {}
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).sum()

    def validation_step(self, batch, batch_idx):
        pass

    def test_step(self, batch, batch_idx):
        pass

    def on_validation_epoch_end(self):
        self.latest_scores = {
            kind: scores_from_confusion(confusion) for kind, confusion in self.confusions.items()
        }

    on_test_epoch_end = on_validation_epoch_end

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def run(tmp_path, capsys):
    def run(verb, module, table=None, **trainer):
        options = {"max_epochs": 2, "num_sanity_val_steps": 1, "logger": False, **trainer}
        made = Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            callbacks=[table or ClassTable()],
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            **options,
        )
        loader = DataLoader(torch.zeros(1, 1))
        capsys.readouterr()
        getattr(made, verb)(module, *[loader] * (2 if verb == "fit" else 1), **(
            {"verbose": False} if verb != "fit" else {}
        ))  # fmt: skip
        return capsys.readouterr().out

    return run


def rows(path):
    with path.open() as file:
        return {row.pop("class"): row for row in csv.DictReader(file)}


@pytest.mark.parametrize(("verb", "stage"), [("validate", "val"), ("test", "test")])
def test_file_and_table_hold_every_class(verb, stage, run, tmp_path):
    printed = run(verb, Scored({"whole": WHOLE, "windowed": WINDOWED}))
    table = rows(tmp_path / f"{stage}_classes.csv")
    assert list(table) == [*CLASSES, "mean"]
    assert table[CLASSES[0]] == {"pixels": "1600", "iou": "0.75", "iou_windowed": "1.0"}
    assert table[CLASSES[1]] == {"pixels": "100", "iou": "0.2", "iou_windowed": "1.0"}
    assert table[CLASSES[2]] == {"pixels": "0", "iou": "nan", "iou_windowed": "nan"}
    assert table["mean"] == {"pixels": "1700", "iou": "0.475", "iou_windowed": "1.0"}
    lines = {line.strip("│ ").split("│")[0].strip(): line for line in printed.splitlines()}
    assert f"{stage}: IoU in percent" in printed
    assert lines[CLASSES[0]].replace("│", " ").split()[-3:] == ["1,600", "75.0", "100.0"]
    assert lines[CLASSES[2]].replace("│", " ").split()[-3:] == ["0", "–", "–"]
    assert lines["mean"].replace("│", " ").split()[-3:] == ["1,700", "47.5", "100.0"]
    assert lines["pixel accuracy"].replace("│", " ").split()[-2:] == ["76.5", "100.0"]


def test_while_fitting_it_writes_and_is_silent_unless_asked(run, tmp_path):
    assert run("fit", Scored({"whole": WHOLE})) == ""
    assert rows(tmp_path / "val_classes.csv")["mean"]["iou"] == "0.475"
    printed = run("fit", Scored({"whole": WHOLE}), ClassTable(while_fitting=True))
    assert printed.count("val: IoU in percent") == 2  # two epochs, not the sanity check


def test_a_trial_run_writes_nothing(run, tmp_path):
    assert "mean" in run("test", Scored({"whole": WHOLE}), fast_dev_run=True)
    assert list(tmp_path.iterdir()) == []


def test_without_scores_there_is_nothing_to_show(run, tmp_path):
    assert run("test", Scored({})) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_scores_is_refused_at_the_start(run):
    class Scoreless(LightningModule):
        def test_step(self, batch, batch_idx):
            pass

    with pytest.raises(TypeError, match="ClassTable reads `taxonomy` and `latest_scores`"):
        run("test", Scoreless())


def test_scores_of_another_class_set_are_refused(run):
    with pytest.raises(ValueError, match="11 class names for 3 classes"):
        run("test", Scored({"whole": torch.eye(3, dtype=torch.int64)}))


class Measured(Scored):
    """Was asked to measure more; scored in other classes than its network's."""

    def __init__(self):
        super().__init__({})
        self.taxonomy = get_taxonomy("cityscapes-19")
        self.evaluation_taxonomy = get_taxonomy("wildpass-8")
        self.asked = None

    def measure(self, extras):
        self.asked = extras

    def on_test_epoch_end(self):
        confusion = torch.zeros(8, 9, dtype=torch.int64)
        confusion[3, 3], confusion[3, 8], confusion[6, 4] = 6, 2, 5  # roads, a curb
        scores = scores_from_confusion(confusion, unnamed=(6, 7))
        boundary_iou = torch.full((8,), torch.nan, dtype=torch.float64)
        boundary_iou[3] = 0.25
        seam = torch.tensor(1.5, dtype=torch.float64)
        self.latest_scores = {
            "whole": scores._replace(boundary_iou=boundary_iou, seam_disagreement=seam),
            "windowed": scores,
        }


def test_extras_are_asked_for_and_shown(run, tmp_path):
    module = Measured()
    printed = run("test", module, ClassTable(extras=["boundary_iou", "seam_disagreement"]))
    assert module.asked == ("boundary_iou", "seam_disagreement")
    table = rows(tmp_path / "test_classes.csv")
    assert table["road"] == {
        "pixels": "8", "iou": "0.75", "iou_windowed": "0.75", "boundary_iou": "0.25",
        "seam_disagreement": "nan",
    }  # fmt: skip
    assert table["curb"]["iou"] == "nan"
    assert table["mean"]["seam_disagreement"] == "1.5"
    lines = {line.strip("│ ").split("│")[0].strip(): line for line in printed.splitlines()}
    assert lines["road"].replace("│", " ").split()[-4:] == ["8", "75.0", "75.0", "25.0"]
    assert lines["seam disagreement"].replace("│", " ").split()[-1] == "1.50"


def test_the_table_says_which_classes_are_scored_and_over_how_many_the_mean_is(run):
    printed = " ".join(run("test", Measured()).split())
    assert "cityscapes-19 scored in the classes of wildpass-8" in printed
    # road hit and missed, sidewalk predicted on a curb; the other four of the six are absent
    assert "mean over 2 of 8 classes; the network has no class for curb" in printed
    assert "averaged over views" not in printed


def test_a_model_that_cannot_measure_more_is_refused_when_asked_to(run):
    with pytest.raises(TypeError, match=r"ClassTable reads extra scores.*Scored lacks"):
        run("test", Scored({"whole": WHOLE}), ClassTable(extras=["boundary_iou"]))


def test_the_rows_go_to_wandb(run, tmp_path):
    """Read back from the files of an offline run."""
    run("test", Measured(), logger=WandbLogger(project="p", save_dir=tmp_path, offline=True))
    wandb.finish()
    [log] = tmp_path.rglob("run-*.wandb")
    [step] = history_with(log, "test/classes/path")
    path = log.parent / "files" / step["test/classes/path"]
    assert path.is_relative_to(log.parent / "files/media/table/test")
    table = json.loads(path.read_text())
    assert table["columns"] == [
        "class", "pixels", "iou", "iou_windowed", "boundary_iou", "seam_disagreement",
    ]  # fmt: skip
    assert table["data"][3] == ["road", 8, 0.75, 0.75, 0.25, None]
    assert table["data"][6] == ["curb", 5, None, None, None, None]
    assert table["data"][8] == ["mean", 13, 0.375, 0.375, 0.25, 1.5]
