"""Processes of the warm server are as those that Python starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
import warm_start

PROGRAM = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["COLOUR"], sys.path[0])
print("told", file=sys.stderr)
if sys.argv[1] == "raise":
    raise ValueError("bread")
sys.exit({"text": "burnt", "none": None}.get(sys.argv[1], 3))
"""


@pytest.mark.parametrize("end", ["number", "text", "none", "raise"])
def test_words_folder_environment_streams_and_status_are_its_own(tmp_path: Path, end: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), end, "two words", "ü"]
    given = {"cwd": tmp_path, "env": {**os.environ, "COLOUR": "blue"}}
    usual = subprocess.run(command, capture_output=True, text=True, check=False, **given)
    warm = warm_start.run(command, **given)
    assert (warm.returncode, warm.stdout) == (usual.returncode, usual.stdout)
    assert warm.stderr.splitlines()[0] == "told"
    assert warm.stderr.splitlines()[-1] == usual.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_training_gives_the_same(tmp_path: Path) -> None:
    """What is printed, the files, and the weights to the last bit."""
    fit = ["fit", "--model=goodsam_pl.modules.SourceSegmentation",
           "--model.network=goodsam_pl.networks.SegmentationNetwork",
           "--data=goodsam_pl.data.SourceDataModule", "--data.dataset=plain", "--data.root=photos",
           "--data.num_workers=0", "--data.batch_size=1", "--trainer.max_steps=1",
           "--trainer.accelerator=cpu", "--trainer.logger=false",
           "--trainer.enable_progress_bar=false",
           "--trainer.callbacks=lightning.pytorch.callbacks.ModelCheckpoint",
           "--trainer.callbacks.save_last=true"]  # fmt: skip
    folders = tmp_path / "usual", tmp_path / "warm"
    for folder in folders:
        for kind, pixels in (("images", (32, 64, 3)), ("labels", (32, 64))):
            path = folder / "photos" / kind / "a.png"
            path.parent.mkdir(parents=True)
            values = np.random.default_rng(0).integers(0, 19, pixels, dtype=np.uint8)
            Image.fromarray(values).save(path)
        (folder / "photos/splits").mkdir()
        for split in ("train", "val"):
            (folder / f"photos/splits/{split}.txt").write_text("a\n")
    command = [sys.executable, "-m", "goodsam_pl", *fit]
    usual = subprocess.run(command, cwd=folders[0], capture_output=True, text=True, check=False)
    warm = warm_start.run(command, cwd=folders[1])
    assert (warm.returncode, usual.returncode) == (0, 0), warm.stderr + usual.stderr
    assert warm.stdout.replace(str(folders[1]), "HERE") == usual.stdout.replace(
        str(folders[0]), "HERE"
    )
    usual_files, warm_files = (
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) for folder in folders
    )
    assert warm_files == usual_files
    first, second = (
        torch.load(next(folder.rglob("last.ckpt")), weights_only=True)["state_dict"]
        for folder in folders
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_mistake_is_told_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "goodsam_pl", "masks", "compute", "images", "--devise", "x"]
    usual = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    warm = warm_start.run(command, cwd=tmp_path)
    assert (warm.returncode, warm.stdout, warm.stderr) == (2, usual.stdout, usual.stderr)
    assert usual.returncode == 2


SLEEPER = """
import pathlib, time
pathlib.Path("here").touch()
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_signals_end_it_and_are_its_status(tmp_path: Path, number: int) -> None:
    program = tmp_path / "sleeper.py"
    program.write_text(SLEEPER)
    process = warm_start.WarmProcess([sys.executable, str(program)], cwd=tmp_path)
    while not (tmp_path / "here").exists():
        assert process.poll() is None
    os.kill(process.pid, number)
    assert process.wait(60) == -number
    assert process.poll() == -number
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_process_that_does_not_end_is_told(tmp_path: Path) -> None:
    program = tmp_path / "sleeper.py"
    program.write_text(SLEEPER)
    process = warm_start.WarmProcess([sys.executable, str(program)], cwd=tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
