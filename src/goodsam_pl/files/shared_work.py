"""Work that several processes share: each piece is done once, and nobody is idle meanwhile.

Every process is dealt a share, does it in order, and then helps the others, so that one slow
machine does not keep all others waiting. Claims (:mod:`goodsam_pl.files.claims`) keep two from
doing the same. Where a file system has none, chance does nearly as well: as soon as a process meets
another one, it goes on in an order of its own, so that few pieces are done twice instead of all
(our choice).
"""

from __future__ import annotations

import logging
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

from goodsam_pl.files.claims import PATIENCE, Claim

__all__ = ["SharedWork", "do_together"]

log = logging.getLogger(__name__)

_PAUSE = 0.1


class SharedWork(ABC):
    """What is to be done, in pieces that have a key each, such as the hash of a file."""

    what: str
    """What each piece makes, for people, as "masks"."""

    @abstractmethod
    def is_done(self, key: str) -> bool:
        """Whether somebody has finished a piece; asked often, so it should be quick."""

    @abstractmethod
    def claim(self, key: str) -> AbstractContextManager[Claim | None]:
        """The right to do a piece; ``None`` if another process has it in hand."""

    @abstractmethod
    def do(self, key: str, claimed: Claim) -> bool:
        """Do a piece; whether nobody else did it meanwhile."""

    @abstractmethod
    def holder(self, key: str) -> str:
        """Who has a piece in hand, for people."""

    @abstractmethod
    def name(self, key: str) -> str:
        """A piece, for people."""


def do_together(
    work: SharedWork,
    own: Iterable[str],
    others: Callable[[], Sequence[str]],
    advance: Callable[[], None],
) -> None:
    """Do a share of some work, then what the other processes have not begun yet.

    Args:
        work: says how.
        own: keys of this process's share. All of them are done at the end, by whomever; what others
            have in hand is waited for, and done here if they end without.
        others: gives keys of what the others were dealt and have not done, once the own share is
            done. They are taken in a random order, and not waited for.
        advance: called for each of ``own``.
    """
    busy = _go_through(work, list(own), advance, met=False)
    _go_through(work, list(others()), lambda: None, met=True)
    _wait_for(busy, work, advance)


def _go_through(
    work: SharedWork, keys: list[str], advance: Callable[[], None], *, met: bool
) -> list[str]:
    """Do what nobody has done or in hand, and give back what somebody has in hand."""
    busy = []
    keys.reverse()  # the next one is the last, which is quick to take off
    if met:
        _shuffle(keys)
    while keys:
        key = keys.pop()
        alone, taken = False, False
        if not work.is_done(key):
            with work.claim(key) as claimed:
                taken = claimed is None
                alone = claimed is not None and work.do(key, claimed)
        if taken:
            busy.append(key)
        else:
            advance()
        if not alone and not met:
            met = True
            _shuffle(keys)
    return busy


def _shuffle(keys: list[str]) -> None:
    """In no order that another process could have as well; what is made does not depend on it."""
    secrets.SystemRandom().shuffle(keys)


def _wait_for(busy: list[str], work: SharedWork, advance: Callable[[], None]) -> None:
    """Whoever has a piece in hand either finishes it or ends, which sets us free to do it."""
    moved, told = time.monotonic(), False
    while busy:
        left = []
        for key in busy:
            with work.claim(key) as claimed:
                if claimed is None:
                    left.append(key)
                    continue
                work.do(key, claimed)
            advance()
            moved, told = time.monotonic(), False
        busy = left
        if busy and not told and time.monotonic() - moved > PATIENCE:
            told = True
            log.warning(
                "waiting for the %s of %s%s: %s has them in hand; if it is stuck, end it, and "
                "this one makes them",
                work.what,
                work.name(busy[0]),
                "" if len(busy) == 1 else f" and {len(busy) - 1} more",
                work.holder(busy[0]),
            )
        time.sleep(_PAUSE if busy else 0)
