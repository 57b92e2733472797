"""The preset of a sequence by the real command, killed inside a task and between two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from goodsam_pl.modules.continual import load_routed
from goodsam_pl.sam.frozen_sam import FrozenSam
from goodsam_pl.streetworld.domain_export import export_domains
from preset_files import CONFIGS
from warm_start import WarmProcess

NAMES = ("town", "night")


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    export_domains(tmp_path / "domains", train=2, val=1, test=1, size=48, workers=1)
    domains = [{"name": name, "root": str(tmp_path / "domains" / name)} for name in NAMES]
    (tmp_path / "small.yaml").write_text(
        yaml.safe_dump({"data.init_args.domains": domains, "data.init_args.outside": None})
    )
    return [
        *(sys.executable, "-m", "goodsam_pl", "fit"),
        f"--config={CONFIGS / 'continual/streetworld.yaml'}",
        f"--config={tmp_path / 'small.yaml'}",
        *("--data.init_args.buffer=2", "--data.init_args.batch_size=2"),
        *("--model.init_args.epochs=2", f"--model.init_args.embeddings={tmp_path / 'kept'}"),
        *("--trainer.accelerator=cpu", "--trainer.logger=false"),
        "--trainer.enable_progress_bar=false",
    ]


def start(words: list[str], folder: Path) -> WarmProcess:
    folder.mkdir(exist_ok=True)
    words = [*words, f"--trainer.default_root_dir={folder}"]
    if (folder / "last.ckpt").exists():
        words.append(f"--ckpt_path={folder / 'last.ckpt'}")
    return WarmProcess(words, cwd=folder, stdout=subprocess.DEVNULL)


def kill_when(process: WarmProcess, happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 600
    while not happened():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_inside_and_between_tasks_a_sequence_ends_the_same(
    command: list[str], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    last, scored = killed / "last.ckpt", killed / "iou.csv"
    kill_when(start(command, killed), last.exists)
    assert not scored.exists()  # the first task was under way
    kill_when(start(command, killed), scored.exists)
    assert ",,\n" in scored.read_text()  # the second had no row
    assert start(command, killed).wait() == 0
    assert start(command, whole).wait() == 0
    names = ("iou.csv", "boundary_iou.csv", "routed.csv", "fallback.csv", "sequence.md", "iou.png")
    for name in (*names, "adapters.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    rows = (whole / "iou.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["after", *NAMES]
    assert ",," not in rows[-1]
    # two training, one validation and one test image of each domain, whatever was killed
    assert len([*(tmp_path / "kept").rglob("*.safetensors")]) == 8
    learned = load_routed(whole / "adapters.safetensors", FrozenSam.of("vit_nano"))
    assert [*learned.pool.names] == [*NAMES]
