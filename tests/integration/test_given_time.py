"""The plan that gives the papers' presets time: it stops by itself, and scores the best."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from short_plans import shortened, written

import warm_start


@pytest.mark.slow
def test_a_training_stops_once_val_has_stopped_rising(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    steps = {"trainer.max_steps": 40, "trainer.val_check_interval": 1}
    plan = shortened("given_time.yaml", steps)
    plan["overrides"] |= {
        "model.learning_rate": 0.0
    }  # so that val never rises after its first look
    for preset in plan["presets"].values():
        preset["stages"]["joint"]["overrides"] |= {
            "model.warmup_steps": 0,
            "trainer.callbacks.6.patience": 2,  # looks; the plan's 8 tell nothing more
        }
    plan["presets"]["plus_plus"]["stages"]["joint"]["overrides"] |= {
        "data.horizontal_window_size": [24, 64],
        "data.horizontal_window_stride": [24, 64],
        "data.vertical_window_size": [48, 32],
        "data.vertical_window_stride": [48, 32],
    }
    out = tmp_path / "out"
    program = Path(__file__).with_name("ablate_in_forks.py")
    words = ["ablate", str(written(plan, tmp_path)), f"--out={out}", "--threads=1", "--jobs=2"]

    done = warm_start.run([sys.executable, program, *words])
    assert done.returncode == 0, done.stdout + done.stderr

    fits = sorted((out / "stages").glob("joint-fit-*"))
    assert len(fits) == 2  # of both papers
    for folder in fits:
        at = {
            name: torch.load(folder / f"{name}.ckpt", weights_only=True)["global_step"]
            for name in ("best", "last")
        }
        assert at["best"] < at["last"] < 40
    with (out / "ablation.csv").open() as file:
        rows = {row["preset"]: row for row in csv.DictReader(file)}
    assert [*rows] == ["paper", "plus_plus"]
    logs = [log.read_text() for log in (out / "stages").glob("joint-test-*/test.log")]
    assert len(logs) == 2
    assert all("best.ckpt" in log for log in logs)
