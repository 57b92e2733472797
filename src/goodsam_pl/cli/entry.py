"""Where every command starts: choose the verb, and say what went wrong in one line."""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import goodsam_pl
from goodsam_pl.allocator import keep_memory
from goodsam_pl.cli.verbs import FUNCTIONS, GROUPS, TRAINING, group_overview, overview

__all__ = ["is_ours", "main"]

_ABOUT_FILES = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    PermissionError,
)


def is_ours(word: str) -> bool:
    """Whether the first word of a command line is one that only we know."""
    return word in TRAINING or word in FUNCTIONS or word in GROUPS or _is_config(word)


def main(args: Sequence[str] | None = None) -> None:
    """Run ``goodsam``.

    Args:
        args: the words after ``goodsam``; ``None`` takes them from ``sys.argv``, which training in
            several processes needs, because each process is started with that command line.

    Raises:
        SystemExit: with status 2 when the command or the data it names is wrong.
    """
    words = sys.argv[1:] if args is None else list(args)
    verb = words[0] if words else "--help"
    if verb in {"-h", "--help"}:
        sys.stdout.write(overview())
    elif verb == "--version":
        sys.stdout.write(f"goodsam_pl {goodsam_pl.__version__}\n")
    elif is_ours(verb):
        keep_memory()  # before torch takes any
        try:
            _run(verb, words, None if args is None else words)
        except Exception as error:
            told = None if os.environ.get("GOODSAM_DEBUG") else _for_the_user(error)
            if told is None:
                raise
            _fail(f"{told}\n(GOODSAM_DEBUG=1 shows where this was raised)")
    else:
        _fail(f"there is no verb {verb!r}{_guess(verb, [*TRAINING, *FUNCTIONS, *GROUPS])}")


def _run(verb: str, words: list[str], args: list[str] | None) -> None:
    if verb in GROUPS:
        _run_of_group(verb, words[1:])
    elif verb in FUNCTIONS:
        from goodsam_pl.cli.functions import run_function  # noqa: PLC0415  # imports jsonargparse

        run_function(verb, FUNCTIONS[verb], words[1:])
    else:
        from goodsam_pl.cli.training import train  # noqa: PLC0415  # imports torch

        train(args)


def _run_of_group(group: str, words: list[str]) -> None:
    verb, verbs = words[0] if words else "--help", GROUPS[group].verbs
    if verb in {"-h", "--help"}:
        sys.stdout.write(group_overview(group))
    elif verb in verbs:
        from goodsam_pl.cli.functions import run_function  # noqa: PLC0415  # imports jsonargparse

        run_function(f"{group} {verb}", verbs[verb], words[1:])
    else:
        _fail(f"there is no verb '{group} {verb}'{_guess(verb, [*verbs])}")


def _guess(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f": it is one of {', '.join(known)}"


def _is_config(word: str) -> bool:
    return word in {"-c", "--config"} or word.startswith("--config=")


def _for_the_user(error: BaseException | None) -> BaseException | None:
    """The error whose message is enough: one of ours, or about a file or a setting.

    What a constructor raises comes wrapped by the argument parser, hence the search for causes.
    """
    while error is not None:
        if isinstance(error, _ABOUT_FILES) or type(error).__name__ == "MisconfigurationException":
            return error
        if isinstance(error, (ValueError, TypeError)) and _is_raised_here(error):
            return error
        error = error.__cause__
    return None


def _is_raised_here(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    package = Path(goodsam_pl.__file__).parent
    return bool(frames) and Path(frames[-1].filename).is_relative_to(package)


def _fail(message: str) -> None:
    sys.stderr.write(f"goodsam: error: {message}\n")
    raise SystemExit(2)
