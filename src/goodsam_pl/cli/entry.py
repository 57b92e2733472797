"""Where every command starts: choose the verb, and say what went wrong in one line."""

from __future__ import annotations

import difflib
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version

import goodsam_pl
from goodsam_pl.cli.errors import for_the_user
from goodsam_pl.cli.streams import polite_streams, terminable
from goodsam_pl.cli.verbs import FUNCTIONS, GROUPS, TRAINING, group_overview, overview
from goodsam_pl.files.allocator import keep_memory

__all__ = ["is_ours", "main"]


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
    with polite_streams():
        _answer(sys.argv[1:] if args is None else list(args), args is None)


def _answer(words: list[str], from_command_line: bool) -> None:
    verb = words[0] if words else "--help"
    if verb in {"-h", "--help"}:
        sys.stdout.write(overview())
    elif verb == "--version":
        sys.stdout.write(_versions())
    elif is_ours(verb):
        keep_memory()  # before torch takes any
        _find_classes_in_working_folder()
        try:
            _run(verb, words, None if from_command_line else words)
        except BrokenPipeError:
            raise  # whoever read our output has left
        except Exception as error:
            told = None if os.environ.get("GOODSAM_DEBUG") else for_the_user(error)
            if told is None:
                raise
            _fail(f"{told}\n(GOODSAM_DEBUG=1 shows where this was raised)")
    else:
        _fail(f"there is no verb {verb!r}{_guess(verb, [*TRAINING, *FUNCTIONS, *GROUPS])}")


def _versions() -> str:
    parts = [f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("torch", "lightning")]
    return f"goodsam_pl {goodsam_pl.__version__} ({', '.join(parts)})\n"


def _find_classes_in_working_folder() -> None:
    """Let ``class_path: my_module.MyNet`` name a file of this folder, as ``python -m`` does.

    Last, so that no file of a data folder stands in for an installed package.
    """
    if os.getcwd() not in sys.path and "" not in sys.path:  # noqa: PTH109  # as sys.path has it
        sys.path.append(os.getcwd())  # noqa: PTH109


def _run(verb: str, words: list[str], args: list[str] | None) -> None:
    if verb in GROUPS:
        with terminable():
            _run_of_group(verb, words[1:])
    elif verb in FUNCTIONS:
        from goodsam_pl.cli.functions import run_function  # noqa: PLC0415  # imports jsonargparse

        with terminable():
            run_function(verb, FUNCTIONS[verb], words[1:])
    else:
        if verb in TRAINING:
            from goodsam_pl.cli.early import refuse_early  # noqa: PLC0415  # imports yaml

            refuse_early(verb, words[1:])
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


def _fail(message: str) -> None:
    sys.stderr.write(f"goodsam: error: {message}\n")
    raise SystemExit(2)
