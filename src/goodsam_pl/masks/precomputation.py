"""Compute the masks of many panoramas, each once, however many processes take part."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from goodsam_pl.files import ChangedFileError
from goodsam_pl.files.claims import Claim
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.files.shared_work import SharedWork, do_together
from goodsam_pl.masks.inventory import remove_rests
from goodsam_pl.masks.proposer import MaskProposer
from goodsam_pl.masks.store import MaskStore

__all__ = [
    "MissingMasksError",
    "PrecomputeReport",
    "failure_report",
    "precompute_masks",
    "share",
    "shares_of_others",
]

log = logging.getLogger(__name__)


class MissingMasksError(ValueError):
    """Panoramas have no masks; the message names each file and what is wrong with it."""


class PrecomputeReport(NamedTuple):
    """What :func:`precompute_masks` did.

    Attributes:
        computed: panoramas whose masks were computed and stored, those of other shares as well.
        present: panoramas of the own share whose masks were there already, or were made by another
            process.
        failed: what is wrong with a file that could not be read or gave no masks.
    """

    computed: int
    present: int
    failed: dict[Path, Exception]


def precompute_masks(
    files: Sequence[Path],
    read: Callable[[Path], Tensor],
    proposer: MaskProposer,
    store: MaskStore,
    *,
    others: Sequence[Path] = (),
    show_progress: bool = False,
) -> PrecomputeReport:
    """Store the masks of every panorama that has none yet, or a damaged record.

    Any number of processes may do so in one store at once: none repeats what another one does. Who
    is done with its share helps the others, see :mod:`goodsam_pl.files.shared_work`. A file that
    cannot be read does not stop the others. Neither does one whose masks cannot be found, once the
    proposer has worked for another.

    Args:
        files: panoramas; of files with the same content one is looked at.
        read: gives a panorama as ``(3, H, W)`` uint8, RGB.
        proposer: finds the masks.
        store: takes them.
        others: panoramas that other processes were dealt. Those without a record are done here,
            too, once ``files`` are; what fails there is for the others to tell.
        show_progress: draw a bar with panoramas per second and the time left.
    """
    work = _Work(read, proposer, store)
    own = work.look_for(files, show_progress)
    try:
        with progress_bar("SAM masks", len(own), visible=show_progress) as advance:
            do_together(work, own, lambda: work.look_at(others), advance)
    except KeyboardInterrupt as stop:
        store.save_known()
        stored = len(files) - work.missing(own)
        raise type(stop)(
            f"{stored} of {len(files)} panoramas have their masks in {store.root}: the same "
            "command goes on from there"
        ) from None
    remove_rests(store.root)
    store.save_known()
    done = work.computed_of_own + len(work.failed)
    return PrecomputeReport(work.computed, len(files) - done, work.failed)


def share(files: Sequence[Path], rank: int, processes: int) -> list[Path]:
    """What one of several processes has to do: every ``processes``-th file from ``rank`` on."""
    return list(files[rank::processes])


def shares_of_others(files: Sequence[Path], rank: int, processes: int) -> list[Path]:
    """What the other processes have to do, see :func:`share`."""
    left = list(files)
    del left[rank::processes]
    return left


def failure_report(failed: dict[Path, str]) -> str:
    """What is wrong, a line for each file, below a line with their number."""
    what = "1 panorama" if len(failed) == 1 else f"{len(failed)} panoramas"
    reasons = [
        f"  {reason}" if reason.startswith(str(path)) else f"  {path}: {reason}"
        for path, reason in failed.items()
    ]
    return "\n".join([f"{what} without masks:", *reasons])


class _Work(SharedWork):
    """Counts what is done.

    Attributes:
        computed: panoramas whose masks are computed and stored.
        computed_of_own: those of the own share among them.
        failed: what is wrong, by file of the own share.
    """

    what = "masks"

    def __init__(
        self, read: Callable[[Path], Tensor], proposer: MaskProposer, store: MaskStore
    ) -> None:
        self._read = read
        self._proposer = proposer
        self._store = store
        self._paths: dict[str, list[Path]] = {}
        self._own: dict[str, list[Path]] = {}
        self._damaged: set[str] = set()
        self.computed = 0
        self.computed_of_own = 0
        self.failed: dict[Path, Exception] = {}

    def look_for(self, files: Sequence[Path], show_progress: bool) -> list[str]:
        """Keys of the own share's files without masks."""
        with progress_bar("looking for masks", len(files), visible=show_progress) as advance:
            for path in files:
                try:
                    key = self._store.keys(path)
                except OSError as error:
                    self.failed[path] = error
                else:
                    if key in self._own or not self._is_there(key, path):
                        self._own.setdefault(key, []).append(path)
                advance()
        self._store.save_known()  # before the long work: a kill does not lose it
        self._paths.update(self._own)
        return list(self._own)

    def look_at(self, others: Sequence[Path]) -> list[str]:
        """Keys of other shares' files without a record."""
        found: dict[str, list[Path]] = {}
        if others:
            self._store.keys.known.reload()  # the others have read theirs by now
        for path in others:
            try:
                key = self._store.keys(path)
            except OSError:
                continue
            if key not in self._store and key not in self._own:
                found.setdefault(key, []).append(path)
        self._paths.update(found)
        return list(found)

    def missing(self, keys: Sequence[str]) -> int:
        """How many files of the own share have no masks yet."""
        return sum(len(self._own[key]) for key in keys if not self.is_done(key))

    def is_done(self, key: str) -> bool:
        """Whether there is a record now; records are put in place whole."""
        return key in self._store and key not in self._damaged

    def claim(self, key: str) -> AbstractContextManager[Claim | None]:
        """The right to compute the masks of a key."""
        return self._store.claim(key)

    def holder(self, key: str) -> str:
        """Who computes the masks of a key."""
        return self._store.holder(key)

    def name(self, key: str) -> str:
        """The first file of that content."""
        return str(self._paths[key][0])

    def do(self, key: str, claimed: Claim) -> bool:
        """Compute and store masks, unless another process did so in the meantime."""
        if self._is_made(key):
            return False
        paths, windows = self._windows_of(key)
        if windows is None:
            return True
        try:
            masks = self._proposer.propose(windows)
        except (RuntimeError, ValueError) as error:
            if self.computed == 0 and key in self._own:
                raise
            self._fail(key, paths, error)
            return True
        if self._is_made(key):  # where there are no locks
            return False
        self._store.write(key, paths[0].name, masks, claimed)
        self._store.save_known_at_times()
        self._damaged.discard(key)
        self.computed += 1
        self.computed_of_own += key in self._own
        return True

    def _fail(self, key: str, paths: Sequence[Path], error: Exception) -> None:
        if key in self._own:
            self.failed.update(dict.fromkeys(paths, error))

    def _windows_of(self, key: str) -> tuple[list[Path], Tensor | None]:
        """The windows of a panorama, and the files of that content; ``None`` if none is left."""
        paths = self._paths[key]
        for index, path in enumerate(paths):
            try:
                with self._store.keys.unchanged(path, key):
                    panorama = self._read(path)
                return paths[index:], self._store.windows.extract(panorama[None])[0]
            except ChangedFileError as error:
                self._fail(key, [path], error)
            except (OSError, ValueError) as error:
                self._fail(key, paths[index:], error)
                break
        return [], None

    def _is_made(self, key: str) -> bool:
        """As :meth:`is_done`; a record that was damaged is read again."""
        return self.is_done(key) or (key in self._store and self._is_there(key, None))

    def _is_there(self, key: str, path: Path | None) -> bool:
        if key not in self._store:
            return False
        damage = self._store.known_damage(key)
        if damage is None:
            self._damaged.discard(key)
            return True
        self._damaged.add(key)
        if path is not None:
            log.warning("masks of %s are computed anew: %s", path, damage.__cause__)
        return False
