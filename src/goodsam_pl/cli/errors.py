"""Which errors are for the user, in one line, and which keep their traceback."""

from __future__ import annotations

import builtins
import re
import traceback
from pathlib import Path

import goodsam_pl

__all__ = ["for_the_user"]

_ABOUT_FILES = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    PermissionError,
)
_ELSEWHERE = re.compile(
    r"^Caught \w+ in .*\nOriginal (?=\w)|terminated with the following error:\n(?=\w)"
)
"""How torch tells of an error in a loader's worker, and in a process that it started."""
_CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_FRAME = re.compile(r'^  File "([^"\n]+)", line \d+', re.MULTILINE)
_NAMED = re.compile(r"^([\w.]+)(?:: (.*))?\Z", re.MULTILINE | re.DOTALL)


def for_the_user(error: BaseException | None) -> str | None:
    """The message that is enough: of an error of ours, or about a file or a setting.

    What a constructor raises comes wrapped by the argument parser, hence the search for causes.
    What a loader's worker or another process raises comes as text.
    """
    while error is not None:
        if (told := _ELSEWHERE.search(str(error))) is not None:
            return _told_elsewhere(str(error)[told.end() :])
        if isinstance(error, _ABOUT_FILES) or type(error).__name__ == "MisconfigurationException":
            return str(error)
        if isinstance(error, (ValueError, TypeError, OSError)) and _is_raised_here(error):
            return str(error)
        if isinstance(error, ModuleNotFoundError) and error.name is None:
            return str(error)  # said by us: an import that fails has a name
        error = error.__cause__
    return None


def _is_raised_here(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and _is_ours(frames[-1].filename)


def _told_elsewhere(text: str) -> str | None:
    """The message in a printed traceback; the last error first, then what caused it."""
    for block in reversed(text.rstrip().split(_CAUSE)):
        frames = list(_FRAME.finditer(block))
        if not frames:
            continue
        rest = block[frames[-1].end() :].splitlines()[1:]  # after the frame, its line of code
        while rest and (rest[0].startswith("    ") or not rest[0]):
            rest.pop(0)
        named = _NAMED.match("\n".join(rest))
        if named is None:
            continue
        kind = getattr(builtins, named[1], None)
        if isinstance(kind, type) and issubclass(kind, _ABOUT_FILES):
            return named[2] or named[1]
        ours = _is_ours(frames[-1][1])
        known = isinstance(kind, type) and issubclass(kind, (ValueError, TypeError, OSError))
        if ours and (known or named[1].startswith("goodsam_pl.")):
            return named[2] or named[1]
    return None


def _is_ours(filename: str) -> bool:
    return Path(filename).is_relative_to(Path(goodsam_pl.__file__).parent)
