"""What the system refuses is told with the way out."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest

from goodsam_pl.files import write_errors_explained


class StoreError(ValueError):
    pass


def fail(number, folder, filename=None, **options):
    with write_errors_explained(folder, **options):
        raise OSError(number, os.strerror(number), filename)


@pytest.fixture
def inodes(monkeypatch):
    """Let every file system say that it has so many files, and room for so many more."""

    def say(files, free):
        found = SimpleNamespace(f_files=files, f_favail=free)
        monkeypatch.setattr(os, "statvfs", lambda path: found)

    return say


@pytest.mark.parametrize(
    ("files", "free", "said"),
    [
        (100, 5, "the disk is full"),
        (100, 0, "the disk takes no more files, its inodes are used up"),
        (0, 0, "the disk is full"),  # a file system that does not count files
    ],
)
def test_what_is_full(tmp_path, inodes, files, free, said):
    inodes(files, free)
    folder = tmp_path / "not" / "made yet"
    with pytest.raises(ValueError) as error:  # noqa: PT011  # all of the message is compared
        fail(errno.ENOSPC, folder)
    assert str(error.value) == (
        f"{folder}: {said}: make room and run the same command again, what is there already stays"
    )
    assert error.value.__cause__.errno == errno.ENOSPC


def test_a_quota_is_no_full_disk(tmp_path, inodes):
    inodes(100, 0)
    with pytest.raises(ValueError, match=r": your quota is used up: make room"):
        fail(errno.EDQUOT, tmp_path)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_who_refuses_is_named_with_another_place(tmp_path, number):
    with pytest.raises(StoreError) as error:
        fail(number, tmp_path, f"{tmp_path}/a", kind=StoreError, elsewhere="name another root")
    assert str(error.value) == (
        f"{tmp_path}/a cannot be written ({os.strerror(number)}): name another root, or ask for "
        f"the right to write to {tmp_path}"
    )
    with pytest.raises(ValueError, match=rf"^{tmp_path} cannot .*: name another folder, or ask"):
        fail(number, tmp_path)


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(IsADirectoryError):
        fail(errno.EISDIR, tmp_path)
    with pytest.raises(KeyError), write_errors_explained(tmp_path):
        raise KeyError
