"""A training ends with its score, its files and the next command."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger

from goodsam_pl.cli.closing import closing_lines, size_line


class Segmentation(LightningModule):
    def test_step(self, batch, batch_idx):
        pass


@pytest.mark.parametrize(
    ("total", "trained", "line"),
    [
        (3_720_019, 49_999, "49,999 of 3.7 M parameters are trained"),
        (50_000, 0, "0 of 0.1 M parameters are trained"),
        (1_250_000_000, 123_456, "0.1 M of 1250.0 M parameters are trained"),
    ],
)
def test_small_networks_are_counted_to_the_parameter(total, trained, line):
    assert size_line(total, trained) == line


def trained(*checkpoints, loggers=(), module=None, **metrics):
    """A trainer whose training is over."""
    return SimpleNamespace(
        callback_metrics={name: torch.tensor(value) for name, value in metrics.items()},
        global_step=120,
        checkpoint_callbacks=list(checkpoints),
        loggers=list(loggers),
        lightning_module=Segmentation() if module is None else module,
    )


@pytest.fixture
def best(workplace):
    """A checkpoint callback that kept the best and the last."""
    callback = ModelCheckpoint(monitor="val/miou", mode="max")
    callback.best_model_path = str(workplace / "run" / "best one.ckpt")
    callback.last_model_path = str(workplace / "run" / "last.ckpt")
    callback.best_model_score = torch.tensor(0.4567)
    return callback


@pytest.fixture
def directory(workplace):
    """The folder of a run, with its configuration."""
    path = workplace / "run"
    path.mkdir()
    (path / "config.yaml").touch()
    return path


def test_a_training_that_kept_checkpoints(best, directory):
    trainer = trained(best, **{"val/miou": 0.41249})
    assert list(closing_lines(trainer, directory)) == [
        "trained 120 steps, val/miou 0.412",
        "best:  run/best one.ckpt, val/miou 0.457",
        "last:  run/last.ckpt",
        "next:  lightning test --config run/config.yaml --ckpt_path 'run/best one.ckpt'",
    ]


def test_paths_elsewhere_are_whole(best, directory, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert f"last:  {tmp_path}/run/last.ckpt" in closing_lines(trained(best), directory)


def test_without_a_monitor_the_last_is_what_is_tested(best, directory):
    best.monitor, best.best_model_path = None, ""
    assert list(closing_lines(trained(Checkpoint(), best), directory)) == [
        "trained 120 steps",
        "last:  run/last.ckpt",
        "next:  lightning test --config run/config.yaml --ckpt_path run/last.ckpt",
    ]


def test_no_command_is_shown_that_would_not_run(best, directory):
    def count(trainer):
        return sum(line.startswith("next:") for line in closing_lines(trainer, directory))

    assert count(trained(best)) == 1
    assert count(trained()) == 0
    assert count(trained(best, module=LightningModule())) == 0
    (directory / "config.yaml").unlink()
    assert count(trained(best)) == 0


@pytest.mark.parametrize(
    ("run", "line"),
    [
        ({"url": "https://wandb.ai/me/runs/1"}, "W&B:   https://wandb.ai/me/runs/1"),
        ({"offline": True, "dir": "my runs/1/files"}, "W&B:   wandb sync 'my runs/1'"),
    ],
)
def test_the_dashboard_is_named(workplace, run, line):
    logger = object.__new__(WandbLogger)
    logger._experiment = SimpleNamespace(**run)
    if "dir" in run:
        logger._experiment.dir = str(workplace / run["dir"])
    assert list(closing_lines(trained(loggers=[object(), logger]), workplace))[1:] == [line]
