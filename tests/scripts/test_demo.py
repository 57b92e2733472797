"""The demo's steps end with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEP = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from demo import run_in_fork
from goodsam_pl.cli.streams import terminable

def work():
    if os.fork():
        os.wait()
    while True:
        with open("beats", "a") as file:
            file.write(".")
        time.sleep(0.05)

with terminable():
    run_in_fork(work, "work")
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_step_and_its_processes_end_with_the_demo(tmp_path, number, status):
    words = [sys.executable, "-c", STEP, str(ROOT / "scripts")]
    beats = tmp_path / "beats"
    demo = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        wait_until(beats.exists)
        demo.send_signal(number)
        assert demo.wait(30) == status
        wait_until(lambda: not grows(beats))
    finally:
        demo.kill()


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def grows(file: Path) -> bool:
    before = file.stat().st_size
    time.sleep(0.5)
    return file.stat().st_size > before
