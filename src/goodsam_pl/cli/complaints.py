"""How a mistake in a command line is told."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["complain", "guess", "option_hint"]


def complain(command: str, told: str, hint: str) -> NoReturn:
    """End with status 2.

    Args:
        command: as it was called: ``goodsam fit``.
        told: what is wrong.
        hint: what would be right, with the end of its line; may be empty.
    """
    sys.stderr.write(f"{command}: error: {told}\n{hint}")
    sys.stderr.write(f"`{command} --help` lists the options.\n")
    raise SystemExit(2)


def guess(word: str, known: Sequence[str]) -> str:
    """What was meant; empty if one cannot tell."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?\n" if close and word not in known else ""


def option_hint(option: str, class_path: str, known: Sequence[str]) -> str:
    """What was meant by an option of a class, or what there is."""
    return guess(option, known) or f"{class_path} accepts {', '.join(known)}.\n"
