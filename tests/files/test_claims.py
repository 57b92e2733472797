"""One process at a time may write a file, and a killed one is no hindrance."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import sys
import threading
from pathlib import Path

import pytest

from goodsam_pl.files import claims
from goodsam_pl.files.claims import LOCK_SUFFIX, claim, remove_abandoned

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")

# by fork, so that nothing has to be imported anew
FORK = multiprocessing.get_context(None if sys.platform == "win32" else "fork")


class Other:
    """Another process, which holds the claim of a file until it is told to write."""

    def __init__(self, path: Path) -> None:
        self._path, self._holding, self._go = path, FORK.Event(), FORK.Event()
        self._process = FORK.Process(target=self._hold)
        self._process.start()
        assert self._holding.wait(60)
        self.pid = self._process.pid

    def _hold(self) -> None:
        with claim(self._path) as claimed:
            self._holding.set()
            self._go.wait()
            claimed.write(b"theirs")

    def write(self) -> None:
        self._go.set()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def join(self) -> None:
        self._process.join(60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records" / "a.masks"


@pytest.fixture
def other(path: Path):
    other = Other(path)
    yield other
    other.kill()


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


def test_a_claim_is_refused_while_another_process_holds_it(path: Path, other) -> None:
    with claim(path) as claimed:
        assert claimed is None
    remove_abandoned(path.parent)
    told = claims.holder(path)
    assert re.fullmatch(rf"process {other.pid} on \S+, since 20\d\d-\d\d-\d\d .*", told)
    other.write()
    other.join()
    assert path.read_bytes() == b"theirs"
    with claim(path) as claimed:
        assert claimed is not None


def test_waiting_ends_when_the_other_process_has_written(path: Path, other) -> None:
    other.write()
    with claim(path, wait=True) as claimed:
        assert claimed is not None
        assert path.read_bytes() == b"theirs"
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_process_holds_nothing(path: Path, other) -> None:
    other.kill()
    [lock] = path.parent.iterdir()
    assert lock.name == f".{path.name}{LOCK_SUFFIX}"
    with claim(path, wait=True) as claimed:
        claimed.write(b"ours")
    assert path.read_bytes() == b"ours"
    assert list(path.parent.iterdir()) == [path]


def test_abandoned_files_are_removed_in_that_folder_alone(path: Path, other) -> None:
    other.kill()
    foreign = path.with_name(".editor.lock")
    foreign.write_text("theirs")
    remove_abandoned(path.parent.parent)
    assert len(list(path.parent.iterdir())) == 2
    remove_abandoned(path.parent)
    assert list(path.parent.iterdir()) == [foreign]


def test_who_waits_says_for_whom(path: Path, other, monkeypatch, caplog) -> None:
    monkeypatch.setattr(claims, "PATIENCE", 0.2)
    timer = threading.Timer(0.5, other.write)
    timer.start()
    with claim(path, wait=True):
        pass
    timer.join()
    [told] = caplog.messages
    assert told.startswith(f"waiting for {path}: process {other.pid} on ")


@pytest.mark.parametrize("refusal", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_every_claim_is_granted_and_nothing_of_others_is_touched(
    path: Path, refusal: int, monkeypatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(claims.fcntl, "flock", refuse)
    path.parent.mkdir()
    theirs = path.with_name(f".{path.name}{LOCK_SUFFIX}")
    theirs.write_text("{}")
    with claim(path) as first, claim(path) as second:
        second.write(b"2")
        first.write(b"1")
    assert path.read_bytes() == b"1"
    assert sorted(path.parent.iterdir()) == sorted([path, theirs])
    theirs.unlink()
    with claim(path):
        assert list(path.parent.iterdir()) == [path]


def test_a_lock_of_another_user_is_no_hindrance(path: Path, monkeypatch) -> None:
    """Neither may it be written to, nor removed."""
    path.parent.mkdir()
    theirs = path.with_name(f".{path.name}{LOCK_SUFFIX}")
    theirs.write_text("{}")
    open_, unlink = os.open, os.unlink

    def refuse(name: object, *args: object, **named: object) -> int:
        if Path(name) == theirs and args[0] != os.O_RDONLY:
            raise PermissionError(errno.EACCES, "Permission denied", str(name))
        return open_(name, *args, **named)

    def keep(name: object, *args: object, **named: object) -> None:
        if Path(name) == theirs:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(name))
        unlink(name, *args, **named)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "unlink", keep)
    for content in (b"1", b"2"):
        with claim(path) as claimed:
            claimed.write(content)
            with claim(path) as second:
                assert second is None
        assert path.read_bytes() == content
    assert theirs.read_text() == "{}"
