"""``goodsam masks compute`` is killed at random moments, again and again, by SIGKILL.

Whenever it dies, the store opens and all its records are whole; what is stored is not computed
again; and in the end nothing tells the store from one that was left in peace.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from goodsam_pl.masks import MaskStore

sys.path.insert(0, str(Path(__file__).parents[2]))
from warm_start import WarmProcess

DIARY = Path("diary.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_kills_cost_no_more_than_the_panorama_in_hand(
    write_panoramas, goodsam, sizes, contents, workplace, with_fakes
):
    kills, count = 4, 40
    write_panoramas(count)
    diary = ("--proposer", "mask_fakes.Diary", "--proposer.path")
    goodsam(
        "masks", "compute", "--mode", "window", "images", "undisturbed", *diary, "other.txt", *sizes
    )
    words = [sys.executable, "-m", "goodsam_pl", "masks", "compute", "--mode", "window",
             "images", "killed", *diary, str(DIARY), "--proposer.seconds", "0.03",
             *sizes]  # fmt: skip
    generator = random.Random(kills)  # noqa: S311  # not for secrets
    earlier: dict[str, tuple[int, int]] = {}
    for number in range(kills):
        imports = number % 5 == 1  # some die before they have begun
        process = start(words, with_fakes, subprocess.Popen if imports else WarmProcess)
        if not imports:
            wait_for_work(process)
        # a panorama takes some 0.04 seconds
        time.sleep(generator.uniform(0, 0.6))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        if (workplace / "killed/store.json").exists():
            store = MaskStore.open(workplace / "killed")
            assert [store.damage(key) for key in store] == [None] * len(store)
            records = {key: identity(store.path(key)) for key in store}
            assert earlier.items() <= records.items()
            earlier = records
    assert len(earlier) < count
    last = start(words, with_fakes, subprocess.Popen)
    assert last.wait() == 0
    assert contents("killed") == contents("undisturbed")
    lines = [line.split() for line in DIARY.read_text().splitlines()]
    begun = [name for _, what, name in lines if what == "begin"]
    done = [name for _, what, name in lines if what == "done"]
    assert len(set(done)) == count
    # a kill costs the panorama in hand: masks that are found but not yet stored, at most
    assert len(begun) - count <= kills
    assert len(done) - count <= kills
    store = MaskStore.open(workplace / "killed")
    assert earlier.items() <= {key: identity(store.path(key)) for key in store}.items()


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_stopped_masks_say_how_many_there_are(
    write_panoramas, sizes, workplace, with_fakes, sent, status, told
):
    write_panoramas(200)
    words = [sys.executable, "-m", "goodsam_pl", "masks", "compute", "--mode", "window",
             "images", "masks", "--proposer", "mask_fakes.Diary", "--proposer.path", "diary.txt",
             "--proposer.seconds", "0.2", *sizes]  # fmt: skip
    process = start(words, with_fakes, WarmProcess, subprocess.PIPE)
    end = time.monotonic() + 120
    while len(list(workplace.glob("masks/records/*/*.masks"))) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status, error
    stored = len(list(workplace.glob("masks/records/*/*.masks")))
    assert f"goodsam: {told}: {stored} of 200 panoramas have their masks in masks" in error
    assert "Traceback" not in error


def start(
    words: list[str],
    environment: dict[str, str],
    kind: type[subprocess.Popen | WarmProcess],
    stderr: int = subprocess.DEVNULL,
) -> subprocess.Popen | WarmProcess:
    return kind(words, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)


def wait_for_work(process: subprocess.Popen | WarmProcess) -> None:
    """Until the process has begun a panorama."""
    own = f"{process.pid} begin"
    while not (DIARY.exists() and own in DIARY.read_text()):
        assert process.poll() is None, "it ended before it had begun"
        time.sleep(0.01)


def identity(path: Path) -> tuple[int, int]:
    """Changes when a file is written again."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns
