"""One process at a time may write a file, and a killed one is no hindrance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from goodsam_pl.atomic import PART_SUFFIX
from goodsam_pl.sam.claims import claim, remove_abandoned

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")

HOLDER = """
import sys
from pathlib import Path
from goodsam_pl.sam.claims import claim
with claim(Path(sys.argv[1])) as claimed:
    print("holding", flush=True)
    sys.stdin.readline()
    claimed.write(b"theirs")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records" / "a.masks"


@pytest.fixture
def holder(path: Path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], **pipes)
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.communicate()


def test_what_is_written_is_there_and_nothing_else(path: Path) -> None:
    with claim(path) as claimed:
        assert not path.exists()
        claimed.write(b"first")
    with claim(path) as claimed:
        claimed.write(b"2nd")
    assert path.read_bytes() == b"2nd"
    assert list(path.parent.iterdir()) == [path]


def test_a_claim_that_is_given_up_leaves_nothing(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), claim(path):
        _ = 1 / 0
    assert list(path.parent.iterdir()) == []


def test_a_claim_is_refused_while_another_process_holds_it(path: Path, holder) -> None:
    with claim(path) as claimed:
        assert claimed is None
    remove_abandoned(path.parent.parent)
    holder.communicate("go\n")
    assert path.read_bytes() == b"theirs"
    with claim(path) as claimed:
        assert claimed is not None


def test_waiting_ends_when_the_other_process_has_written(path: Path, holder) -> None:
    holder.stdin.write("go\n")
    holder.stdin.flush()
    with claim(path, wait=True) as claimed:
        assert claimed is not None
        assert path.read_bytes() == b"theirs"
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_process_holds_nothing(path: Path, holder) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    [part] = path.parent.iterdir()
    assert part.name == f".{path.name}{PART_SUFFIX}"
    with claim(path, wait=True) as claimed:
        claimed.write(b"ours")
    assert path.read_bytes() == b"ours"
    assert list(path.parent.iterdir()) == [path]


def test_abandoned_files_are_removed(path: Path, holder) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    remove_abandoned(path.parent.parent)
    assert list(path.parent.iterdir()) == []
