"""Saying a thing about files a few times rather than for each of a hundred thousand."""

from __future__ import annotations

import logging
import mmap

__all__ = ["Reminder"]


class Reminder:
    """A warning about single files: the first few are named, then it is said that there are more.

    Workers that were forked count together with the process that started them, so that the same
    files are not named anew in every epoch.

    Args:
        log: where it is said.
        advice: what all of these files have in common and what to do; said with the first.
        limit: how many files are named.
    """

    def __init__(self, log: logging.Logger, advice: str, limit: int = 10) -> None:
        self._log = log
        self._advice = advice
        self._limit = limit
        self._said = mmap.mmap(-1, 1)

    def warn(self, fact: str) -> None:
        """Say what is the matter with one file.

        Args:
            fact: begins with the path.
        """
        count = self._said[0]
        if count > self._limit:
            return
        self._said[0] = count + 1
        if count == self._limit:
            self._log.warning("more files of this kind are not named: %s", self._advice)
        elif count == 0:
            self._log.warning("%s: %s", fact, self._advice)
        else:
            self._log.warning("%s", fact)

    def forget(self) -> None:
        """Begin to count anew."""
        self._said[0] = 0
