"""What a command does to its terminal: any encoding will do, and whoever reads may leave."""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

__all__ = ["Terminated", "polite_streams", "terminable"]

_CLOSED_PIPE = 128 + 13  # what a shell reports of a program that SIGPIPE ended
_INTERRUPTED = 128 + 2  # likewise of SIGINT
_TERMINATED = 128 + 15  # likewise of SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM, which then ends a command as Ctrl-C does."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise :class:`Terminated`, so that work in hand is closed and told of."""

    def end(*_: object) -> NoReturn:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def polite_streams() -> Iterator[None]:
    """Show what the terminal can show, end quietly when no one reads, and at Ctrl-C in a line.

    Raises:
        SystemExit: with status 141 for a closed pipe, 130 for an interruption, 143 for SIGTERM, as
            in shells.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_closed():
            raise
        _to_nowhere()
        raise SystemExit(_CLOSED_PIPE) from None
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, KeyboardInterrupt):
            raise
        stop = end if isinstance(end, KeyboardInterrupt) else end.__context__
        terminated = isinstance(stop, Terminated)
        told = f": {stop}" if str(stop) else ""
        sys.stderr.write(f"\ngoodsam: {'terminated' if terminated else 'interrupted'}{told}\n")
        raise SystemExit(_TERMINATED if terminated else _INTERRUPTED) from None


def _is_closed() -> bool:
    """Whether it is our output that no one reads, not the pipe of another process."""
    if not hasattr(select, "poll"):
        return True
    for stream in (sys.stdout, sys.stderr):
        try:
            poll = select.poll()
            poll.register(stream.fileno(), select.POLLOUT)
        except (OSError, ValueError):  # no file
            continue
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
            return True
    return False


def _to_nowhere() -> None:
    """Python flushes once more at the end, and would complain there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if not _is_flushed(stream):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_flushed(stream: TextIO) -> bool:
    try:
        stream.flush()
    except BrokenPipeError:
        return False
    return True
