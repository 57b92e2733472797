"""What a dead process left is removed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from goodsam_pl.files import unfinished
from goodsam_pl.files.unfinished import part_name, remove_unfinished, this_process, writer_of

DAYS = 2 * 24 * 3600


def test_a_name_says_who_writes_and_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {part_name() for _ in range(100)}
    assert len(names) == 100
    assert {writer_of(Path(name)) for name in names} == {this_process()}
    assert this_process().pid == os.getpid()
    monkeypatch.setattr(unfinished.socket, "gethostname", lambda: "ü/-" * 50)
    unfinished._host.cache_clear()
    try:
        assert writer_of(Path(part_name())) == this_process()
        assert len(part_name()) < 100
    finally:
        monkeypatch.undo()
        unfinished._host.cache_clear()


@pytest.mark.skipif(sys.platform == "win32", reason="nobody knows there which process runs")
def test_only_files_of_the_dead_are_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    me = this_process()

    def part(pid: int, machine: str = me.machine, days: int = 0) -> Path:
        path = tmp_path / f".node-{machine}-{pid}-0123456{days}.part"
        path.touch()
        os.utime(path, (time.time() - days * 24 * 3600,) * 2)
        return path

    elsewhere = "0" * 12
    removed = [part(dead.pid), part(dead.pid, elsewhere, days=2), part(os.getpid(), days=2)]
    (tmp_path / "below").mkdir()
    kept = [
        part(os.getpid()),
        part(os.getppid()),
        part(dead.pid, elsewhere),
        tmp_path / ".browser.part",
        tmp_path / "below" / removed[0].name,
    ]
    for path in kept[3:]:
        path.touch()
        os.utime(path, (0, 0))
    remove_unfinished(tmp_path)
    assert not any(path.exists() for path in removed)
    assert all(path.exists() for path in kept)
    remove_unfinished(tmp_path / "nowhere")
