"""Verbs that call a plain function: its signature is the command line."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from goodsam_pl.cli.parser import ShortErrorParser
from goodsam_pl.cli.verbs import FunctionVerb

__all__ = ["run_function"]


def run_function(name: str, verb: FunctionVerb, args: list[str]) -> None:
    """Parse the arguments of a function, also from ``--config FILE.yaml``, and call it.

    What the function returns is printed, unless it is ``None``.
    """
    function = _import(verb.function)
    parser = ShortErrorParser(prog=f"goodsam {name}", description=verb.help)
    parser.add_argument("-c", "--config", action="config", help="options from a YAML file")
    parser.add_function_arguments(function, as_group=False, as_positional=verb.positional)
    arguments = parser.instantiate_classes(parser.parse_args(args))
    arguments.pop("config", None)
    result = function(**arguments)
    if result is not None:
        print(result)


def _import(path: str) -> Callable[..., Any]:
    module, name = path.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
