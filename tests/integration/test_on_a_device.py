"""The presets by the real command on a device: trained, gone on with, predicted and taken out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import wandb

from goodsam_pl.cli import main
from goodsam_pl.segmenter import load

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _options(device: torch.device) -> list[str]:
    accelerator = "gpu" if device.type == "cuda" else "cpu"
    return [
        f"--trainer.accelerator={accelerator}",
        "--trainer.precision=bf16-mixed",
        "--trainer.enable_progress_bar=false",
        "--data.init_args.num_workers=0",
    ]


@pytest.mark.slow
def test_source_trains_goes_on_predicts_and_is_exported(
    preset: Callable[[str], str], world: Path, tmp_path: Path, device: torch.device
) -> None:
    config, options = preset("source"), _options(device)
    folder = f"--trainer.default_root_dir={tmp_path}"
    for steps in (2, 4):
        start = [f"--ckpt_path={tmp_path / 'last.ckpt'}"] if steps > 2 else []
        length = [f"--trainer.max_steps={steps}", f"--trainer.val_check_interval={steps}"]
        batch = "--data.init_args.batch_size=2"
        main(["fit", f"--config={config}", folder, *length, batch, *options, *start])
        wandb.finish()
        saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
        assert saved["global_step"] == steps
    written = tmp_path / "source.onnx"
    main(["export", str(tmp_path / "last.ckpt"), str(written), "--format=onnx"])  # holds them alike
    assert written.is_file()
    panorama = next((world / "densepass").rglob("*.png"))
    expected, found = (
        load(tmp_path / "last.ckpt", device=at).predict(panorama) for at in ("cpu", device.type)
    )
    assert (found == expected).mean() > 0.99


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_every_system_takes_steps_by_its_preset(tmp_path: Path, processes: int) -> None:
    """With SAM's masks and the teachers' targets made on the device before the first one."""
    if torch.cuda.device_count() < processes:
        pytest.skip(f"{torch.cuda.device_count()} CUDA devices, {processes} are needed")
    words = [sys.executable, str(BENCHMARKS / "steps.py"), "--tiny", "--steps=2"]
    words += ["--accelerator=gpu", "--precision=bf16-mixed", f"--processes={processes}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    for system in ("source", "rectification", "distillation", "joint", "ssr", "continual"):
        assert figures[system]["device"] == "cuda"
        assert figures[system]["steps"] == 2
