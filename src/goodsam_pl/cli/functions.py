"""Verbs that call a plain function: its signature is the command line."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import Any, get_args, get_origin

from goodsam_pl.cli.answers import Answer
from goodsam_pl.cli.parser import FunctionParser
from goodsam_pl.cli.sketch import sketch_of
from goodsam_pl.cli.verbs import FunctionVerb

__all__ = ["run_function"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_TRUE_OR_FALSE = ("true", "false", "yes", "no")


def run_function(name: str, verb: FunctionVerb, args: list[str]) -> None:
    """Parse the arguments of a function, also from ``--config FILE.yaml``, and call it.

    They are parsed twice where that can be: before the function's module, and torch with it, is
    imported, so that help and mistakes are answered at once.

    What the function returns is printed, unless it is ``None``.

    Raises:
        SystemExit: with the status of an :class:`Answer` that has one.
    """
    words = _with_classes(args, verb)
    sketch = sketch_of(verb.function)
    if sketch is not None:
        words = _with_switches(_with_numbers(words, sketch.function), sketch.function)
        if not _mentions(sketch.vague, words):
            _parser(name, verb, sketch.function).parse_args(words)
    function = _import(verb.function)
    words = _with_switches(_with_numbers(words, function), function)
    parser = _parser(name, verb, function)
    arguments = parser.instantiate_classes(parser.parse_args(words))
    arguments.pop("config", None)
    result = function(**arguments)
    if result is not None:
        print(result)
    if isinstance(result, Answer) and result.status:
        raise SystemExit(result.status)


def _with_switches(args: list[str], function: Callable[..., Any]) -> list[str]:
    """Take a switch that stands alone for a true one: ``--json`` for ``--json true``."""
    parameters = inspect.signature(function).parameters.values()
    switches = {f"--{each.name}" for each in parameters if isinstance(each.default, bool)}
    return [
        f"{word}=true" if word in switches and after.lower() not in _TRUE_OR_FALSE else word
        for word, after in zip(args, [*args[1:], ""], strict=False)
    ]


def _with_numbers(args: list[str], function: Callable[..., Any]) -> list[str]:
    """Take ``--yaw 0 90 -45`` for ``--yaw=[0, 90, -45]`` where an option is a row of numbers."""
    parameters = inspect.signature(function).parameters.values()
    rows = {
        f"--{each.name}"
        for each in parameters
        if each.default is not inspect.Parameter.empty and "Sequence[float]" in str(each.annotation)
    }
    words: list[str] = []
    row: list[str] | None = None
    for word in [*args, "--"]:
        if row is not None and _NUMBER.fullmatch(word):
            row.append(word)
            continue
        if row:
            words[-1] += f"=[{', '.join(row)}]"
        row = [] if word in rows else None
        words.append(word)
    return words[:-1]


def _with_classes(args: list[str], verb: FunctionVerb) -> list[str]:
    """Name the usual class of an object of which only options are given.

    A default of the parser would not do: its values stay when another class is named.
    """
    words = [word.partition("=")[0] for word in args]
    if {"-c", "--config"} & set(words):
        return args
    missing = [
        f"--{name}={path}"
        for name, path in verb.classes.items()
        if f"--{name}" not in words
        and any(word.startswith(f"--{name}.") and word != f"--{name}.help" for word in words)
    ]
    return [*missing, *args]


def _parser(name: str, verb: FunctionVerb, function: Callable[..., Any]) -> FunctionParser:
    parser = FunctionParser(prog=f"goodsam {name}", description=verb.help)
    parser.add_argument("-c", "--config", action="config", help="options from a YAML file")
    parser.add_function_arguments(function, as_group=False, as_positional=verb.positional)
    if verb.positional:
        _let_lists_be_words(parser)
    return parser


def _let_lists_be_words(parser: FunctionParser) -> None:
    """Take ``a b c`` for a positional list, which would else be one word of JSON."""
    for action in parser._actions:  # noqa: SLF001  # jsonargparse has no other way to the types
        kind = getattr(action, "_typehint", None)
        if get_origin(kind) is list and not action.option_strings:
            action.nargs = "+"
            action.metavar = action.dest.upper()
            action._typehint = get_args(kind)[0]  # type: ignore[attr-defined]  # noqa: SLF001


def _mentions(vague: frozenset[str], args: list[str]) -> bool:
    """Whether arguments are given that a sketch cannot check; a file may hold any of them."""
    given = {word.lstrip("-").split("=")[0].split(".")[0] for word in args if word.startswith("-")}
    return bool(vague) and bool(given & {*vague, "c", "config"})


def _import(path: str) -> Callable[..., Any]:
    module, name = path.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
