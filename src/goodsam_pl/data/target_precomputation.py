"""Ask frozen teachers about many panoramas, about each once, however many processes take part."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from goodsam_pl.data.targets import TargetStore, TeacherTargets
from goodsam_pl.files import ContentKeys
from goodsam_pl.files.claims import Claim
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.files.shared_work import SharedWork, do_together

__all__ = ["precompute_targets"]

log = logging.getLogger(__name__)


def precompute_targets(
    files: Sequence[Path],
    ask: Callable[[Path], TeacherTargets],
    keys: ContentKeys,
    store: TargetStore,
    *,
    others: Sequence[Path] = (),
    show_progress: bool = False,
) -> int:
    """Store the targets of every panorama that has none yet, or a damaged file.

    Any number of processes may do so in one folder at once: none asks what another one asks. Who is
    done with its share helps the others, see :mod:`goodsam_pl.files.shared_work`.

    Args:
        files: panoramas; of files with the same content one is asked about.
        ask: what the teachers say about a panorama, without a batch dimension.
        keys: of the panoramas.
        store: takes the targets.
        others: panoramas that other processes were dealt. Those without targets are asked about
            here, too, once ``files`` are.
        show_progress: draw a bar with panoramas per second and the time left.

    Returns:
        How many panoramas were asked about here, those of other shares as well.

    Raises:
        ChangedFileError: a panorama changed while it was in work.
        ValueError: the disk is full, or the folder is only read.
    """
    work = _Work(ask, keys, store)
    own = work.look_for(files)
    with progress_bar("teachers", len(own), visible=show_progress and bool(own)) as advance:
        do_together(work, own, lambda: work.look_at(others), advance)
    store.remove_rests()
    return work.computed


class _Work(SharedWork):
    """Counts what is done.

    Attributes:
        computed: panoramas whose targets are stored by this process.
    """

    what = "teachers' targets"

    def __init__(
        self, ask: Callable[[Path], TeacherTargets], keys: ContentKeys, store: TargetStore
    ) -> None:
        self._ask = ask
        self._keys = keys
        self._store = store
        self._paths: dict[str, Path] = {}
        self._damaged: set[str] = set()
        self.computed = 0

    def look_for(self, files: Sequence[Path]) -> list[str]:
        """Keys of panoramas whose targets are missing or damaged."""
        found = {}
        for path in files:
            key = self._keys(path)
            if key not in found and not self._is_there(key, path):
                found[key] = path
        self._paths |= found
        return list(found)

    def look_at(self, others: Sequence[Path]) -> list[str]:
        """Keys of other shares' panoramas without targets; what is damaged is for them to tell."""
        found = {}
        for path in others:
            key = self._keys(path)
            if key not in self._paths and not self._store.has_file(key):
                found[key] = path
        self._paths |= found
        return list(found)

    def is_done(self, key: str) -> bool:
        """Whether there are targets now; they are put in place whole."""
        return self._store.has_file(key) and key not in self._damaged

    def claim(self, key: str) -> AbstractContextManager[Claim | None]:
        """The right to ask about a panorama."""
        return self._store.claim(key)

    def holder(self, key: str) -> str:
        """Who asks about a panorama."""
        return self._store.holder(key)

    def name(self, key: str) -> str:
        """The panorama's file."""
        return str(self._paths[key])

    def do(self, key: str, claimed: Claim) -> bool:
        """Ask and store, unless another process did so in the meantime."""
        if self._is_made(key):
            return False
        path = self._paths[key]
        with self._keys.unchanged(path, key):
            targets = self._ask(path)
        if self._is_made(key):  # where there are no locks
            return False
        self._store.write(key, targets)
        self._store.known.save_at_times()
        self._damaged.discard(key)
        self.computed += 1
        return True

    def _is_made(self, key: str) -> bool:
        """As :meth:`is_done`; a file that was damaged is read again."""
        return self.is_done(key) or (self._store.has_file(key) and self._is_there(key, None))

    def _is_there(self, key: str, path: Path | None) -> bool:
        if not self._store.has_file(key):
            return False
        damage = self._store.known_damage(key)
        if damage is None:
            self._damaged.discard(key)
            return True
        self._damaged.add(key)
        if path is not None:
            log.warning("targets of %s are computed anew: %s", path, damage.__cause__)
        return False
