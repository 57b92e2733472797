"""A file is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from goodsam_pl.files.atomic import write_atomically


def test_content_replaces_what_was_there_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "record"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_a_failure_leaves_the_old_file_and_no_rest(
    owner: object, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record"
    write_atomically(path, b"old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, step, full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_folder_takes(tmp_path: Path) -> None:
    path = tmp_path / ("街" * 83 + "ab.png")
    assert len(path.name.encode()) == 255
    write_atomically(path, b"all")
    assert path.read_bytes() == b"all"


@pytest.mark.skipif(os.name == "nt", reason="there are no such rights")
@pytest.mark.parametrize(("mask", "rights"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int, rights: int) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "record", b"all")
    finally:
        os.umask(before)
    assert (tmp_path / "record").stat().st_mode & 0o777 == rights


def test_an_unfinished_file_that_was_tidied_away_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronise, taken = os.fsync, []

    def tidied(descriptor: int) -> None:
        synchronise(descriptor)
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()

    monkeypatch.setattr(os, "fsync", tidied)
    write_atomically(tmp_path / "record", b"all")
    assert len(taken) == 1
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"all"]
