"""Verbs that call a plain function: its signature is the command line."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from goodsam_pl.cli.parser import FunctionParser
from goodsam_pl.cli.sketch import sketch_of
from goodsam_pl.cli.verbs import FunctionVerb

__all__ = ["run_function"]


def run_function(name: str, verb: FunctionVerb, args: list[str]) -> None:
    """Parse the arguments of a function, also from ``--config FILE.yaml``, and call it.

    They are parsed twice where that can be: before the function's module, and torch with it, is
    imported, so that help and mistakes are answered at once.

    What the function returns is printed, unless it is ``None``.
    """
    words = _with_classes(args, verb)
    sketch = sketch_of(verb.function)
    if sketch is not None and not _mentions(sketch.vague, words):
        _parser(name, verb, sketch.function).parse_args(words)
    function = _import(verb.function)
    parser = _parser(name, verb, function)
    arguments = parser.instantiate_classes(parser.parse_args(words))
    arguments.pop("config", None)
    result = function(**arguments)
    if result is not None:
        print(result)


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
    return parser


def _mentions(vague: frozenset[str], args: list[str]) -> bool:
    """Whether arguments are given that a sketch cannot check; a file may hold any of them."""
    given = {word.lstrip("-").split("=")[0].split(".")[0] for word in args if word.startswith("-")}
    return bool(vague) and bool(given & {*vague, "c", "config"})


def _import(path: str) -> Callable[..., Any]:
    module, name = path.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
