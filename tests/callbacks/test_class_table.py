from __future__ import annotations

import csv

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader

from goodsam_pl.callbacks import ClassTable
from goodsam_pl.metrics import scores_from_confusion
from goodsam_pl.taxonomy import get_taxonomy

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
        options = {"max_epochs": 2, "num_sanity_val_steps": 1, **trainer}
        made = Trainer(
            default_root_dir=tmp_path,
            logger=False,
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
