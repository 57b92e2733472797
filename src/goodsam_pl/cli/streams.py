"""What a command does to its terminal: any encoding will do, and whoever reads may leave."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["polite_streams"]

_CLOSED_PIPE = 128 + 13  # what a shell reports of a program that SIGPIPE ended
_INTERRUPTED = 128 + 2  # likewise of SIGINT


@contextmanager
def polite_streams() -> Iterator[None]:
    """Show what the terminal can show, end quietly when no one reads, and at Ctrl-C in a line.

    Raises:
        SystemExit: with status 141 for a closed pipe, 130 for an interruption, as in shells.
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
        sys.stderr.write("\ngoodsam: interrupted\n")
        raise SystemExit(_INTERRUPTED) from None


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
