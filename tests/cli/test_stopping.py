"""What is left of a training that is stopped, and how it says so."""

from __future__ import annotations

import sys
from functools import partial

import pytest
import torch

BEST = ["--trainer.callbacks+=lightning.pytorch.callbacks.ModelCheckpoint",
        "--trainer.callbacks.filename=best", "--trainer.callbacks.monitor=val/miou",
        "--trainer.callbacks.mode=max",
        "--trainer.callbacks.enable_version_counter=false"]  # fmt: skip


def fit(goodsam, config, *words):
    return goodsam("fit", "--config", config, "--trainer.max_epochs=4", *words)


@pytest.mark.parametrize(
    ("name", "status", "told"), [("SIGTERM", 143, "terminated"), ("SIGINT", 130, "interrupted")]
)
def test_a_stopped_training_keeps_its_last_step(
    command, warm, config, workplace, name, status, told
):
    start = partial(command, sys.executable, "-m", "goodsam_pl") if name == "SIGTERM" else warm
    stop = ["--trainer.callbacks+=street_fakes.StopAt", "--trainer.callbacks.step=5",
            f"--trainer.callbacks.signal={name}"]  # fmt: skip
    done = fit(start, config, *stop)
    assert done.returncode == status, done.stderr
    assert f"goodsam: {told}" in done.stderr
    assert "Traceback" not in done.stderr
    last = workplace / "runs/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 5
    assert "stopped after step 5; go on with --ckpt_path" in done.stderr + done.stdout

    resumed = fit(warm, config, f"--ckpt_path={last}")
    assert resumed.returncode == 0, resumed.stderr
    assert "trained 12 steps" in resumed.stdout


def test_an_error_keeps_the_last_step_and_the_best_checkpoint(warm, config, workplace):
    fail = ["--trainer.callbacks+=street_fakes.FailAt", "--trainer.callbacks.step=5"]
    done = fit(warm, config, *BEST, *fail)
    assert done.returncode != 0
    folder = workplace / "runs/checkpoints"
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 5
    assert torch.load(folder / "best.ckpt", weights_only=True)["global_step"] == 3
