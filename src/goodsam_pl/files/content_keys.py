"""Files by their content: a hash of all bytes, of each file once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from goodsam_pl.files.known_files import KnownFiles, Stamp

__all__ = ["ChangedFileError", "ContentKeys", "content_key"]

_BLOCK = 1 << 20
_CHANGED = "{} changed while it was in work: run the same command again, when it is at rest"


class ChangedFileError(ValueError):
    """A file is not what it was when its key was asked for."""


def content_key(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class ContentKeys:
    """Keys of files, read once and found again as long as a file does not change.

    Args:
        folder: that keeps them, in ``keys.tsv``, such as that of a mask store; ``None`` keeps them
            as long as this process runs.
    """

    NAME = "keys.tsv"

    def __init__(self, folder: Path | None) -> None:
        path = None if folder is None else folder / self.NAME
        self.known = KnownFiles(None) if path is None else KnownFiles.at(path)

    def __call__(self, path: Path) -> str:
        """The key of a file, see :func:`content_key`.

        Raises:
            OSError: it cannot be read.
        """
        key = self.known.get(path)
        if key is None:
            now, before = time.time_ns(), Stamp.of(path)
            key = content_key(path)
            # not if it was written to in the meantime, or could be without showing it
            if before.is_settled(now) and Stamp.of(path) == before:
                self.known.remember(path, before, key)
        return key

    @contextmanager
    def unchanged(self, path: Path, key: str) -> Iterator[None]:
        """Read a file, sure that its content is that of a key from the first byte to the last.

        Raises:
            ChangedFileError: it was replaced or written to, before or meanwhile.
            OSError: it cannot be read.
        """
        before = Stamp.of(path)
        self._check(path, key)
        yield
        if Stamp.of(path) != before:
            raise ChangedFileError(_CHANGED.format(path))
        self._check(path, key)

    def _check(self, path: Path, key: str) -> None:
        if self(path) != key:
            raise ChangedFileError(_CHANGED.format(path))

    def unknown(self, paths: Iterable[Path]) -> list[Path]:
        """Those whose bytes would have to be read."""
        return [path for path in paths if not self._is_known(path)]

    def learn(self, paths: Iterable[Path], advance: Callable[[], None]) -> None:
        """Read the bytes of these; what cannot be read is left out, whoever asks for it is told."""
        for path in paths:
            with suppress(OSError):
                self(path)
            advance()
            self.known.save_at_times()

    def save(self) -> None:
        """Write down what was learned."""
        self.known.save()

    def _is_known(self, path: Path) -> bool:
        try:
            return self.known.get(path) is not None
        except OSError:
            return False
