"""What is known of files, kept as long as they do not change."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.claims import claim
from goodsam_pl.files.regular import read_regular

__all__ = ["KnownFiles", "Stamp"]

_HEADER = "goodsam_pl known files 1"
_UNSETTLED = 2_000_000_000
"""Nanoseconds that file systems may take for one moment: a file that changed so shortly before it
was looked at may change again and look the same."""

_SECONDS_BETWEEN_SAVES = 30.0
"""What a kill costs at the most, as long as saving is quick."""
_SHARE_OF_SAVING = 0.02
"""Of a long work's time; a save takes as long as the whole file, which others wait for."""
_PATIENCE = 60.0
"""Seconds that a save waits for others'; what it loses without is only learned again."""
_PAUSE = 0.05


class Stamp(NamedTuple):
    """What tells that a file is another one, or was written to.

    Attributes:
        size: bytes.
        changed: time of its content's last change, nanoseconds.
        touched: time of any change, which nobody can set.
        number: of the file in its file system.
    """

    size: int
    changed: int
    touched: int
    number: int

    @classmethod
    def of(cls, path: Path | str) -> Stamp:
        """Of a file, without reading it.

        Raises:
            OSError: it is not there, or may not be looked at.
        """
        status = os.stat(path)  # noqa: PTH116  # a text is not made a path, 100,000 times
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def is_settled(self, now: int) -> bool:
        """Whether a change after ``now``, nanoseconds, would show.

        On Windows ``touched`` is the time of creation; elsewhere nobody can set it.
        """
        last = max(self.changed, self.touched) if os.name == "nt" else self.touched
        return last + _UNSETTLED < now


class KnownFiles:
    """A short text about each of many files, which is forgotten as soon as the file changes.

    Any number of processes may keep theirs in one file: each adds what it learned, one after the
    other; what is lost where a file system has no locks is learned again. A file that cannot be
    read is begun anew, one that cannot be written is left alone.

    Args:
        path: where it is kept; ``None`` keeps it as long as this process runs.
    """

    _opened: dict[Path, KnownFiles] = {}  # noqa: RUF012  # one object a file and process, see `at`

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known = {} if path is None else _read(path)
        self._new: dict[str, tuple[Stamp, str]] = {}
        self._saved = time.monotonic()
        self._seconds = 0.0

    @classmethod
    def at(cls, path: Path) -> KnownFiles:
        """The one of this process for a place, so that nothing is read or learned twice."""
        place = Path(os.path.realpath(path))
        if place not in cls._opened:
            cls._opened[place] = cls(place)
        return cls._opened[place]

    @classmethod
    def forget(cls) -> None:
        """Forget every object of :meth:`at`, as a new process would."""
        cls._opened.clear()

    def get(self, file: Path | str) -> str | None:
        """What is known of a file, if that still holds.

        Raises:
            OSError: the file is not there, or may not be looked at.
        """
        entry = self._known.get(_place(file))
        return entry[1] if entry is not None and entry[0] == Stamp.of(file) else None

    def below(self, folder: Path) -> dict[Path, str]:
        """What was known of the files below a folder, whether it still holds or not."""
        start = f"{os.path.realpath(folder)}{os.sep}"
        return {
            Path(file): text
            for file, (_, text) in sorted(self._known.items())
            if file.startswith(start)
        }

    def remember(self, file: Path, stamp: Stamp, text: str) -> None:
        """Keep something about a file.

        Args:
            file: absolute or relative to the working folder.
            stamp: taken before the file was looked at. Of files that are written in place it has to
                be settled by then; those that are only ever replaced whole are so at once.
            text: without tabs and line ends.
        """
        self.absorb({_place(file): (stamp, text)})

    def absorb(self, entries: Mapping[str, tuple[Stamp, str]]) -> None:
        """Keep what another process learned."""
        self._known.update(entries)
        self._new.update(entries)

    def reload(self) -> None:
        """Know what others have written down since."""
        if self._path is not None:
            self._known = {**self._known, **_read(self._path), **self._new}

    def __getstate__(self) -> dict[str, object]:
        """Another process is sent the place alone, not all that is kept there."""
        return {"_path": self._path, "_known": {}, "_new": {}, "_saved": 0.0, "_seconds": 0.0}

    @property
    def learned(self) -> dict[str, tuple[Stamp, str]]:
        """What was learned since the last :meth:`save`."""
        return dict(self._new)

    def save(self) -> None:
        """Write down what was learned, beside what others wrote in the meantime."""
        if self._path is None or not self._new:
            return
        begun = time.monotonic()
        try:
            with _turn(self._path):
                merged = {**_read(self._path), **self._new}
                write_atomically(self._path, _text(merged).encode("utf-8", "surrogateescape"))
        except OSError:
            return  # a folder that is only read: everything else works as well
        self._new.clear()
        self._saved = time.monotonic()
        self._seconds = self._saved - begun

    def save_at_times(self) -> None:
        """As :meth:`save`, if the last one was long ago; a fiftieth of the time at most."""
        pause = max(_SECONDS_BETWEEN_SAVES, self._seconds / _SHARE_OF_SAVING)
        if time.monotonic() - self._saved > pause:
            self.save()


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Read and replace a file while no other process does; not for ever, if one is stuck."""
    end = time.monotonic() + _PATIENCE
    while True:
        with claim(path) as granted:
            if granted is not None or time.monotonic() > end:
                yield
                return
        time.sleep(_PAUSE)


def _place(file: Path | str) -> str:
    """A name of a file that does not depend on links to its folder."""
    folder, separator, name = str(file).rpartition(os.sep)
    folder = os.path.abspath(folder or separator)  # noqa: PTH100  # see Stamp.of
    return f"{_real_folder(folder)}{os.sep}{name}"


@lru_cache(maxsize=4096)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _text(entries: Mapping[str, tuple[Stamp, str]]) -> str:
    lines = [
        f"{stamp.size} {stamp.changed} {stamp.touched} {stamp.number}\t{text}\t{path}"
        for path, (stamp, text) in entries.items()
        if "\n" not in path and "\t" not in path
    ]
    body = "\n".join(lines)
    return f"{_HEADER} {_checksum(body)}\n{body}"


def _read(path: Path) -> dict[str, tuple[Stamp, str]]:
    """What a file keeps; nothing if it is damaged, of another version, or not there."""
    try:
        text = read_regular(path).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):
        return {}
    header, _, body = text.partition("\n")
    if header != f"{_HEADER} {_checksum(body)}":
        return {}
    try:
        return dict(_entries(body.split("\n") if body else []))
    except ValueError:
        return {}


def _entries(lines: Iterable[str]) -> Iterable[tuple[str, tuple[Stamp, str]]]:
    for line in lines:
        stamp, text, path = line.split("\t", 2)
        size, changed, touched, number = map(int, stamp.split(" "))
        yield path, (Stamp(size, changed, touched, number), text)


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()
