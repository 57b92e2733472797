from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.callbacks import write_atomically


def test_writes_with_its_folders_and_replaces(tmp_path):
    path = tmp_path / "a/b/c.bin"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_crash_leaves_the_old_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "c.bin"
    write_atomically(path, b"old")

    def crash(*args):
        raise OSError("disk full")

    monkeypatch.setattr(Path, step, crash)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
