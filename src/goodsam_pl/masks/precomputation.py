"""Compute the masks of many panoramas, each once, however many processes take part."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from goodsam_pl.files import ChangedFileError
from goodsam_pl.files.claims import PATIENCE, Claim
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.masks.inventory import remove_rests
from goodsam_pl.masks.proposer import MaskProposer
from goodsam_pl.masks.store import MaskStore

__all__ = ["MissingMasksError", "PrecomputeReport", "failure_report", "precompute_masks", "share"]

log = logging.getLogger(__name__)

_PAUSE = 0.1


class MissingMasksError(ValueError):
    """Panoramas have no masks; the message names each file and what is wrong with it."""


class PrecomputeReport(NamedTuple):
    """What :func:`precompute_masks` did.

    Attributes:
        computed: panoramas whose masks were computed and stored.
        present: panoramas whose masks were there already, or were made by another process.
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
    show_progress: bool = False,
) -> PrecomputeReport:
    """Store the masks of every panorama that has none yet, or a damaged record.

    Any number of processes may do so in one store at once: none repeats what another one does. A
    file that cannot be read does not stop the others. Neither does one whose masks cannot be found,
    once the proposer has worked for another.

    Args:
        files: panoramas; of files with the same content one is looked at.
        read: gives a panorama as ``(3, H, W)`` uint8, RGB.
        proposer: finds the masks.
        store: takes them.
        show_progress: draw a bar with panoramas per second and the time left.
    """
    work = _Work(read, proposer, store)
    missing = work.look_for(files, show_progress)
    try:
        _compute(work, missing, store, show_progress)
    except KeyboardInterrupt as stop:
        store.save_known()
        stored = len(files) - sum(map(len, missing.values())) + work.computed
        raise type(stop)(
            f"{stored} of {len(files)} panoramas have their masks in {store.root}: the same "
            "command goes on from there"
        ) from None
    remove_rests(store.root)
    store.save_known()
    done = work.computed + len(work.failed)
    return PrecomputeReport(work.computed, len(files) - done, work.failed)


def _compute(
    work: _Work, missing: Mapping[str, list[Path]], store: MaskStore, show_progress: bool
) -> None:
    busy: dict[str, list[Path]] = {}
    with progress_bar("SAM masks", len(missing), visible=show_progress) as advance:
        for key, paths in missing.items():
            with store.claim(key) as claimed:
                if claimed is None:
                    busy[key] = paths
                    continue
                work.do(key, paths, claimed)
            advance()
        _wait_for(busy, work, store, advance)


def _wait_for(
    busy: dict[str, list[Path]], work: _Work, store: MaskStore, advance: Callable[[], None]
) -> None:
    """Whoever has a panorama in hand either finishes it or ends, which sets us free to do it."""
    moved, told = time.monotonic(), False
    while busy:
        for key in list(busy):
            with store.claim(key) as claimed:
                if claimed is None:
                    continue
                work.do(key, busy.pop(key), claimed)
            advance()
            moved, told = time.monotonic(), False
        if busy and not told and time.monotonic() - moved > PATIENCE:
            told = True
            key, paths = next(iter(busy.items()))
            log.warning(
                "waiting for the masks of %s%s: %s has them in hand; if it is stuck, end it, and "
                "this one makes them",
                paths[0],
                "" if len(busy) == 1 else f" and {len(busy) - 1} more",
                store.holder(key),
            )
        time.sleep(_PAUSE if busy else 0)


def share(files: Sequence[Path], rank: int, processes: int) -> list[Path]:
    """What one of several processes has to do: every ``processes``-th file from ``rank`` on."""
    return list(files[rank::processes])


def failure_report(failed: dict[Path, str]) -> str:
    """What is wrong, a line for each file, below a line with their number."""
    what = "1 panorama" if len(failed) == 1 else f"{len(failed)} panoramas"
    reasons = [
        f"  {reason}" if reason.startswith(str(path)) else f"  {path}: {reason}"
        for path, reason in failed.items()
    ]
    return "\n".join([f"{what} without masks:", *reasons])


class _Work:
    """Counts what is done.

    Attributes:
        computed: panoramas whose masks are computed and stored.
        failed: what is wrong, by file.
    """

    def __init__(
        self, read: Callable[[Path], Tensor], proposer: MaskProposer, store: MaskStore
    ) -> None:
        self._read = read
        self._proposer = proposer
        self._store = store
        self.computed = 0
        self.failed: dict[Path, Exception] = {}

    def look_for(self, files: Sequence[Path], show_progress: bool) -> dict[str, list[Path]]:
        """Files without masks, by their key."""
        missing: dict[str, list[Path]] = {}
        with progress_bar("looking for masks", len(files), visible=show_progress) as advance:
            for path in files:
                try:
                    key = self._store.keys(path)
                except OSError as error:
                    self.failed[path] = error
                else:
                    if key in missing or not self._is_there(key, path):
                        missing.setdefault(key, []).append(path)
                advance()
        self._store.save_known()  # before the long work: a kill does not lose it
        return missing

    def do(self, key: str, paths: list[Path], claimed: Claim) -> None:
        """Compute and store masks, unless another process did so in the meantime."""
        if self._is_there(key, paths[0], tell=False):
            return
        paths, windows = self._windows_of(key, paths)
        if windows is None:
            return
        try:
            masks = self._proposer.propose(windows)
        except (RuntimeError, ValueError) as error:
            if self.computed == 0:
                raise
            self.failed.update(dict.fromkeys(paths, error))
            return
        self._store.write(key, paths[0].name, masks, claimed)
        self.computed += 1

    def _windows_of(self, key: str, paths: list[Path]) -> tuple[list[Path], Tensor | None]:
        """The windows of a panorama, and the files of that content; ``None`` if none is left."""
        for index, path in enumerate(paths):
            try:
                with self._store.keys.unchanged(path, key):
                    panorama = self._read(path)
                return paths[index:], self._store.windows.extract(panorama[None])[0]
            except ChangedFileError as error:
                self.failed[path] = error
            except (OSError, ValueError) as error:
                self.failed.update(dict.fromkeys(paths[index:], error))
                break
        return [], None

    def _is_there(self, key: str, path: Path, *, tell: bool = True) -> bool:
        if key not in self._store:
            return False
        damage = self._store.known_damage(key)
        if damage is not None and tell:
            log.warning("masks of %s are computed anew: %s", path, damage.__cause__)
        return damage is None
