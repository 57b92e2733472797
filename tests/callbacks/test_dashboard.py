"""What W&B is told of a run, read back from the files of offline runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import wandb
import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from PIL import Image
from torch import nn
from torchmetrics.classification import MulticlassConfusionMatrix

from goodsam_pl.callbacks import keep_in_run_folder, name_runs
from goodsam_pl.cli import main
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.metrics import scores_from_confusion
from goodsam_pl.modules import JointDistillation
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.class_pictures import class_bars, confusion_picture

sys.path.insert(0, str(Path(__file__).parents[1]))
from dashboard_runs import FOLDER, write_preset
from tensorboard_runs import pictures
from wandb_runs import config, history, history_with, run, summaries

PAGE = Path(__file__).parents[2] / "docs" / "dashboards.md"
TERMS = {"whole", "ensemble", "boundary", "consistency"}
DATA = {
    "dataset": "plain",
    "size": (16, 64),
    "vertical_fov": 90,
    "window_size": (16, 16),
    "window_stride": (16, 16),
    "mask_splits": ["val"],
    "num_workers": 0,
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("RUN_GROUP", "JOB_TYPE", "NAME", "RUN_ID"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    wandb.finish()  # a run that is not over would be gone on with
    yield
    wandb.finish()


@pytest.fixture
def named(tmp_path):
    """The arguments that a run would begin with."""

    def run(verb, dirpath="runs/real/distillation", **options):
        logger = WandbLogger(project="p", save_dir=tmp_path, **options)
        trainer = Trainer(
            logger=[CSVLogger(tmp_path), logger],
            callbacks=[ModelCheckpoint(tmp_path / dirpath)],
            accelerator="cpu",
        )
        name_runs(trainer, verb)
        assert logger._experiment is None  # nothing has begun
        return {key: logger._wandb_init.get(key) for key in ("group", "job_type", "name")}

    return run


def test_the_stages_of_a_road_are_a_group(named):
    for folder in ("rectification", "distillation/checkpoints"):
        assert named("fit", f"runs/real/{folder}")["group"] == "real"
    assert named("fit")["name"] == "real-distillation"
    assert named("fit")["job_type"] == "fit"


@pytest.mark.parametrize("verb", ["validate", "test", "predict"])
def test_verbs_have_names_and_jobs_of_their_own(verb, named):
    assert named(verb, name="mine") == {"group": "real", "job_type": verb, "name": f"mine-{verb}"}


def test_what_stands_alone_has_no_group(named, tmp_path, monkeypatch):
    alone = {"group": None, "job_type": "fit", "name": None}  # W&B finds a name
    assert named("fit", "runs/first") == alone
    monkeypatch.chdir(tmp_path)
    assert named("fit", "first") == alone


def test_what_was_said_stays(named, monkeypatch):
    said = {"group": "g", "job_type": "j", "name": "n"}
    assert named("fit", **said) == said
    monkeypatch.setenv("WANDB_RUN_GROUP", "elsewhere")
    monkeypatch.setenv("WANDB_NAME", "somebody")
    assert named("fit") == {"group": None, "job_type": "fit", "name": None}


@pytest.mark.parametrize(("given", "expected"), [({}, "run"), ({"save_dir": "mine"}, "mine")])
def test_its_files_lie_with_the_run_unless_a_folder_is_given(given, expected, tmp_path):
    logger = WandbLogger(project="p", **given)
    trainer = Trainer(logger=logger, default_root_dir="run", accelerator="cpu")
    keep_in_run_folder(trainer)
    assert (logger.save_dir, logger._wandb_init["dir"]) == (expected, expected)


def test_a_run_with_an_id_is_gone_on_with(named):
    assert named("test", version="first", name="n") == {
        "group": "real",
        "job_type": None,
        "name": "n",
    }


def _documented(page):
    """The keys in the first column of the table, and what W&B and Lightning add."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    keys = {key.strip(" `") for row in rows for key in row.split(",")}
    return keys | {"trainer/global_step", "epoch", "_step", "_runtime", "_timestamp"}


def _pattern(key):
    """A key with ``<class>`` and so on in the place of names."""
    parts = key.split("/")
    if parts[-1] in get_taxonomy("cityscapes-19").classes:
        parts[-1] = "<class>"
    if parts[0] == "stages":
        return "stages/<panorama>"
    if key.split("/")[0] in {"val", "test"}:
        parts[1:] = [parts[1].removesuffix("_teacher").removesuffix("_fused"), *parts[2:]]
    for media in ("classes", "confusion", "class_bars"):
        if key.startswith((f"val/{media}/", f"test/{media}/")):
            parts = ["val", media]
    if parts[0] == "Custom Chart Tables":
        parts = ["val", "confusion_counts"]
    if parts[0] == "test":
        parts[0] = "val"
    if parts[0] == "train" and parts[-1].removeprefix("teacher_") in TERMS:
        parts[-1] = "<term>"
    if parts[0].startswith("lr-AdamW"):
        parts[1:] = ["…"]
    return "/".join(parts)


def test_a_training_and_its_test_on_the_dashboard(dashboard_runs):
    log, tested = dashboard_runs.fitted, dashboard_runs.tested
    began = run(log)
    assert (began.run_group, began.job_type, began.display_name) == ("street", "fit", "mine")

    told = config(log)
    assert told["model"]["init_args"]["student"]["init_args"]["out_channels"] == 19
    assert told["model"]["init_args"]["boundary_weight"] == 0.1
    assert told["trainer"]["log_every_n_steps"] == 1
    ours = {"seed_everything", "trainer", "model", "data", "ckpt_path", "weights_only"}
    ours |= {"dataset", "masks", "_wandb"}
    keys = {key.split("/")[0] for key in told}
    assert keys == ours | (keys & {"optimizer", "lr_scheduler"})
    images = {split: facts["images"] for split, facts in told["dataset"].items()}
    assert images == {"train": 2, "val": 1}
    assert told["masks"]["splits"] == ["train", "val"]
    assert len(told["masks"]["fingerprint"]) == 12

    defined = summaries(log)
    assert defined["val/miou*"] == defined["val/pixel_accuracy*"] == {"max", "last"}
    assert defined["train/loss"] == {"min", "last"}
    assert history_with(log, "val/miou")[0]["val/miou"] >= 0

    began = run(tested)
    assert (began.run_group, began.job_type, began.display_name) == ("street", "test", "mine-test")
    assert config(tested)["dataset"]["test"]["images"] == 1
    assert history_with(tested, "test/miou")
    assert history_with(tested, "test/class_bars/count")


def test_speed_and_norm_and_terms_are_logged_at_each_step(dashboard_runs):
    losses = history_with(dashboard_runs.fitted, "train/loss", 2)
    assert [step["trainer/global_step"] for step in losses] == [0, 1]
    for step in losses:
        for name in ("images_per_second", "gradient_norm"):
            assert step[f"train/{name}"] > 0
        weighted = {
            key.removeprefix("train/weighted/"): value
            for key, value in step.items()
            if key.startswith("train/weighted/")
        }
        assert weighted.keys() == {
            *("whole", "ensemble", "boundary"),
            *("teacher_ensemble", "teacher_consistency", "teacher_boundary"),
        }
        assert sum(weighted.values()) == pytest.approx(step["train/loss"], rel=1e-6)
        assert weighted["boundary"] == pytest.approx(0.1 * step["train/boundary"])


def test_the_page_names_every_key(dashboard_runs):
    told = _documented(PAGE.read_text(encoding="utf-8"))
    for log in (dashboard_runs.fitted, dashboard_runs.tested):
        assert {_pattern(key) for step in history(log) for key in step} <= told


def test_confusion_matrices_are_those_of_the_predictions(dashboard_runs):
    """Of each kind of prediction, counted anew by torchmetrics from the checkpoint."""
    module = JointDistillation.load_from_checkpoint(
        dashboard_runs.folder / FOLDER / "last.ckpt",
        map_location="cpu",
        student=nn.Conv2d(3, 19, 1),
        teacher_assistant=nn.Conv2d(3, 19, 1),
    ).eval()
    data = PanoramaDataModule(**DATA | {"root": dashboard_runs.folder / "data",
                                        "mask_root": dashboard_runs.folder / "masks"})  # fmt: skip
    data.setup("validate")
    [batch] = data.examples("val", 1)
    with torch.no_grad():
        predicted = dict(module.predict_kinds(batch))
    assert list(predicted) == ["whole", "teacher", "fused"]
    table = _table(dashboard_runs.fitted, "val/classes")
    for kind, logits in predicted.items():
        suffix = "" if kind == "whole" else f"_{kind}"
        key = f"Custom Chart Tables/val/confusion_counts{suffix}_table"
        counts = _table(dashboard_runs.fitted, key)
        assert counts["columns"] == ["Actual", "Predicted", "nPredictions"]
        assert counts["data"][20][:2] == ["sidewalk", "sidewalk"]
        found = torch.tensor([row[2] for row in counts["data"]]).reshape(19, 19)
        expected = MulticlassConfusionMatrix(19, ignore_index=255)(logits, batch.label)
        assert found.equal(expected)
        assert int(found.sum()) == 14 * 64
        iou = found.diagonal() / (found.sum(0) + found.sum(1) - found.diagonal())
        column = table["columns"].index(f"iou{suffix}")
        told = [row[column] for row in table["data"][:-1]]
        assert told == pytest.approx(iou.tolist())


def test_pictures_are_drawn_from_the_same_scores(dashboard_runs):
    """The cells of the matrix and the bars, pixel by pixel, for each kind of prediction."""
    log = dashboard_runs.fitted
    [matrices] = history_with(log, "val/confusion/captions")
    [bars] = history_with(log, "val/class_bars/captions")
    kinds = ["whole", "teacher", "fused"]
    assert matrices["val/confusion/captions"] == bars["val/class_bars/captions"] == kinds
    for position, kind in enumerate(kinds):
        suffix = "" if kind == "whole" else f"_{kind}"
        rows = _table(log, f"Custom Chart Tables/val/confusion_counts{suffix}_table")["data"]
        scores = scores_from_confusion(torch.tensor([row[2] for row in rows]).reshape(19, 19))
        title = f"val, {kind}, cityscapes-19"
        taxonomy = get_taxonomy("cityscapes-19")
        for step, name, draw in (
            (matrices, "confusion", confusion_picture),
            (bars, "class_bars", class_bars),
        ):
            path = log.parent / "files" / step[f"val/{name}/filenames"][position]
            drawn = np.asarray(Image.open(path).convert("RGB"))
            np.testing.assert_array_equal(drawn, draw(scores, taxonomy, title))


def test_panels_carry_the_label_maps_as_overlays(dashboard_runs):
    [step] = history_with(dashboard_runs.fitted, "stages/c/captions")
    captions = step["stages/c/captions"]
    assert captions[:2] == ["panorama", "SAM masks"]
    assert captions[-1].startswith("where E differs from TA: green corrected")
    overlays = step["stages/c/all_masks"][0]
    assert {"student", "ground truth"} < set(overlays)
    path = dashboard_runs.fitted.parent / "files" / overlays["ground truth"]["path"]
    truth = np.asarray(Image.open(dashboard_runs.folder / "data/labels/c.png"))
    np.testing.assert_array_equal(np.asarray(Image.open(path)), truth)


def test_the_scores_without_labels_agree_with_the_panels(dashboard_runs):
    [step] = history_with(dashboard_runs.fitted, "label_free/agreement")
    shares = [value for key, value in step.items() if key.startswith("label_free/share/")]
    assert len(shares) == 19
    assert sum(shares) == pytest.approx(1)
    assert 0 <= step["label_free/trusted"] <= 1


def _table(log, key):
    [step] = history_with(log, f"{key}/path")
    return json.loads((log.parent / "files" / step[f"{key}/path"]).read_text())


@pytest.mark.parametrize("logger", ["CSVLogger", "TensorBoardLogger"])
def test_other_loggers_get_the_same_configuration(logger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["fit", "--config", write_preset(tmp_path), "--trainer.logger", logger,
          "--trainer.logger.save_dir", "logs"])  # fmt: skip
    [path] = (tmp_path / "logs").rglob("hparams.yaml")
    told = yaml.safe_load(path.read_text())
    assert told["model"]["init_args"]["boundary_weight"] == 0.1
    assert "boundary_weight" not in told
    drawn = {path.name for path in (tmp_path / FOLDER).rglob("*.png")}
    if logger == "CSVLogger":  # takes no pictures
        assert drawn == {"val_confusion.png", "val_class_bars.png", "000002.png"}
        return
    assert drawn == set()
    [events] = (tmp_path / "logs").rglob("events.out.tfevents.*")
    found = pictures(events)
    assert set(found) == {("val/confusion", 2), ("val/class_bars", 2), ("stages/c", 2)}
    height, width, _ = found["stages/c", 2].shape
    assert height > 9 * (16 + 20)  # nine stages with their captions
    assert width >= 64
