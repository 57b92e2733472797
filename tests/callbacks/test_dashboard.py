"""What W&B is told of a run, read back from the files of offline runs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import wandb
import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from PIL import Image

from goodsam_pl.callbacks import keep_in_run_folder, name_runs
from goodsam_pl.cli import main
from goodsam_pl.taxonomy import get_taxonomy

sys.path.insert(0, str(Path(__file__).parents[1]))
from wandb_runs import config, history, history_with, run, summaries

PAGE = Path(__file__).parents[2] / "docs" / "dashboards.md"
CONV = {
    "class_path": "torch.nn.Conv2d",
    "init_args": {"in_channels": 3, "out_channels": 19, "kernel_size": 1},
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


@pytest.fixture
def preset(tmp_path, monkeypatch):
    """A distillation on two panoramas, scored on one, all in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for kind in ("images", "labels", "splits"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for name in ("a", "b", "c"):
        blocks = generator.integers(0, 256, (2, 8, 3), dtype=np.uint8)
        pixels = blocks.repeat(8, axis=0).repeat(8, axis=1)
        Image.fromarray(pixels).save(tmp_path / f"data/images/{name}.png")
        label = generator.integers(0, 19, (16, 64), dtype=np.uint8)
        Image.fromarray(label).save(tmp_path / f"data/labels/{name}.png")
    (tmp_path / "data/splits/train.txt").write_text("a\nb\n")
    (tmp_path / "data/splits/val.txt").write_text("c\n")
    (tmp_path / "data/splits/test.txt").write_text("c\n")
    proposer = {"class_path": "goodsam_pl.sam.Felzenszwalb", "init_args": {"scales": [50.0]}}
    callbacks = {
        "goodsam_pl.callbacks.PrecomputeSAM": {"proposer": proposer},
        "lightning.pytorch.callbacks.ModelCheckpoint": {
            "dirpath": "runs/street/distillation",
            "save_last": True,
        },
        "goodsam_pl.callbacks.TrainingSignals": {},
        "goodsam_pl.callbacks.ClassTable": {},
        "goodsam_pl.callbacks.StagePanels": {"panoramas": 1},
    }
    content = {
        "model": {
            "class_path": "goodsam_pl.modules.StudentDistillation",
            "init_args": {"student": CONV, "teacher_assistant": CONV, "warmup_steps": 0},
        },
        "data": {
            "class_path": "goodsam_pl.data.PanoramaDataModule",
            "init_args": {
                "dataset": "plain",
                "root": "data",
                "size": [16, 64],
                "vertical_fov": 90,
                "window_size": [16, 16],
                "window_stride": [16, 16],
                "mask_root": "masks",
                "batch_size": 1,
                "num_workers": 0,
            },
        },
        "trainer": {
            "max_epochs": 1,
            "accelerator": "cpu",
            "num_sanity_val_steps": 0,
            "log_every_n_steps": 1,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "logger": {
                "class_path": "lightning.pytorch.loggers.WandbLogger",
                "init_args": {
                    "project": "p",
                    "name": "mine",
                    "save_dir": str(tmp_path / "dash"),  # W&B's process may stand elsewhere
                    "offline": True,
                },
            },
            "callbacks": [
                {"class_path": name, "init_args": options} for name, options in callbacks.items()
            ],
        },
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(content))
    return str(tmp_path / "run.yaml")


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
    if key.startswith("val/classes"):
        return "val/classes"
    if parts[0] == "train" and parts[-1] in {"whole", "ensemble", "boundary"}:
        parts[-1] = "<term>"
    return "/".join(parts)


def test_a_training_and_its_test_on_the_dashboard(preset, tmp_path):
    main(["fit", "--config", preset])
    wandb.finish()
    [log] = (tmp_path / "dash").rglob("run-*.wandb")
    scores = history_with(log, "val/miou")
    began = run(log)
    assert (began.run_group, began.job_type, began.display_name) == ("street", "fit", "mine")

    told = config(log)
    assert told["model"]["init_args"]["student"]["init_args"]["out_channels"] == 19
    assert told["model"]["init_args"]["boundary_weight"] == 0.1
    assert told["trainer"]["log_every_n_steps"] == 1
    ours = {"seed_everything", "trainer", "model", "data", "ckpt_path", "weights_only"}
    ours |= {"dataset", "masks", "_wandb"}
    assert told.keys() == ours | (told.keys() & {"optimizer", "lr_scheduler"})
    images = {split: facts["images"] for split, facts in told["dataset"].items()}
    assert images == {"train": 2, "val": 1}
    assert told["masks"]["splits"] == ["train"]
    assert len(told["masks"]["fingerprint"]) == 12

    defined = summaries(log)
    assert defined["val/miou*"] == defined["val/pixel_accuracy*"] == {"max", "last"}
    assert defined["train/loss"] == {"min", "last"}
    [losses, *_] = history_with(log, "train/loss")
    for name in ("train/images_per_second", "train/gradient_norm", "train/weighted/ensemble"):
        assert losses[name] > 0
    assert scores[0]["val/miou"] >= 0
    told = _documented(PAGE.read_text(encoding="utf-8"))
    assert {_pattern(key) for step in history(log) for key in step} <= told

    main(["test", "--config", preset, "--ckpt_path", "runs/street/distillation/last.ckpt"])
    wandb.finish()
    [tested] = set((tmp_path / "dash").rglob("run-*.wandb")) - {log}
    assert history_with(tested, "test/miou")
    began = run(tested)
    assert (began.run_group, began.job_type, began.display_name) == ("street", "test", "mine-test")
    assert config(tested)["dataset"]["test"]["images"] == 1


@pytest.mark.parametrize("logger", ["CSVLogger", "TensorBoardLogger"])
def test_other_loggers_get_the_same_configuration(logger, preset, tmp_path):
    main(["fit", "--config", preset, "--trainer.logger", logger,
          "--trainer.logger.save_dir", "logs"])  # fmt: skip
    [path] = (tmp_path / "logs").rglob("hparams.yaml")
    told = yaml.safe_load(path.read_text())
    assert told["model"]["init_args"]["boundary_weight"] == 0.1
    assert "boundary_weight" not in told
