"""Argument parsers with errors that fit on a screen and say what would be right."""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Sequence
from types import NoneType
from typing import Any, NoReturn, Union, get_args

from jsonargparse import ArgumentParser, Namespace

from goodsam_pl.cli.complaints import complain, guess, option_hint
from goodsam_pl.cli.configs import read_configs_whole

__all__ = ["FunctionParser", "ShortErrors", "try_whole_numbers_first"]

_WRONG_OPTION = re.compile(r"class_path '([\w.]+)':\s+Option '([\w.]+)' is not accepted")
_WRONG_CLASS = re.compile(r"(?:Expected a dot import path string: |has no attribute ')(\w+)")
_LITERAL = re.compile(r"Expected a (?:typing\.)?Literal\[([^\]\n]+)\]")
_LITERALS = re.compile(r"Literal\[([^\]\n]+)\]")
_GOT = re.compile(r"(?:Got|Given) value: ([^\s]+)")
_WRONG_PROTOCOL = re.compile(r"does not implement protocol (\w+)")
_NOISE = re.compile(
    r"\s*($|Given value: (?:NestedArg|Namespace)\(|Does not validate against any"
    r"|- Does not validate against any|Subtypes: |Errors:$"
    r"|- Expected a <class 'NoneType'>|Given value type: |Subclass types expect one of:"
    r"|- a class path \(str\)|- a dict with)"
)
_WRONG_KEY = re.compile(
    r"(?:(?<!Parser )[Kk]ey|option|[Uu]nrecognized arguments:) ['\"]?(?:--)?([\w.]+)"
)


def try_whole_numbers_first(parser: ArgumentParser) -> None:
    """Read ``1`` as a whole number wherever a fraction would do as well.

    Of ``Optional[Union[int, float]]`` in either order, typing keeps what it met first, and rich may
    come before Lightning with the other one: then one batch (1) would be all of them (1.0).
    """
    for action in parser._actions:  # noqa: SLF001  # jsonargparse has no other way to the types
        if set(get_args(getattr(action, "_typehint", None))) == {int, float, NoneType}:
            action._typehint = Union[int, float, None]  # type: ignore[attr-defined]  # noqa: SLF001, UP007


class ShortErrors(ArgumentParser):
    """Prints the error and how to get help, not two hundred lines of usage."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        read_configs_whole()
        super().__init__(*args, **keywords)

    def parse_args(  # type: ignore[override]  # jsonargparse's own has more arguments
        self, args: Sequence[str] | None = None, *rest: Any, **keywords: Any
    ) -> Namespace:
        """Take ``None`` for YAML's ``null``.

        The parser gives options to the parsers of nested classes as text, where ``null`` has become
        ``None``, the name of nothing.
        """
        words = sys.argv[1:] if args is None else args
        return super().parse_args(_with_null(words), *rest, **keywords)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End with status 2; ``ex`` is what the message was made of."""
        if not self.exit_on_error:
            super().error(message, ex)
        parser = getattr(ex, "subcommand_parser", None) or self
        command = parser.prog.replace(" [options]", "")
        lines = [line for line in message.splitlines() if not _NOISE.match(line)]
        told = "\n".join(line if len(line) <= 200 else f"{line[:200]} …" for line in lines)
        complain(command, _LITERAL.sub(r"Expected one of \1", told), _hint(message, parser))


class FunctionParser(ShortErrors):
    """For verbs that call a function."""


def _with_null(words: Sequence[str]) -> list[str]:
    options = [False, *(word.startswith("--") and "=" not in word for word in words)]
    return [
        "null"
        if word == "None" and after_option
        else re.sub(r"^(--[\w.+]+)=None$", r"\1=null", word)
        for word, after_option in zip(words, options, strict=False)
    ]


def _hint(message: str, parser: ArgumentParser) -> str:
    """What was meant, if one can tell."""
    if "before subcommand" in message:
        return "Write the verb first: goodsam fit --config FILE.yaml\n"
    if wrong := _WRONG_OPTION.findall(message):
        class_path, option = wrong[-1]
        known = _parameters(class_path)
        return option_hint(option, class_path, known)
    if (choices := _LITERALS.findall(message)) and (got := _GOT.search(message)):
        return guess(got[1], re.findall(r"'([^']+)'", ",".join(choices)))
    if wrong := _WRONG_CLASS.findall(message):
        return _class_hint(wrong[-1])
    if wrong := _WRONG_PROTOCOL.findall(message):
        return _protocol_hint(wrong[-1])
    wrong = _WRONG_KEY.findall(message)
    return guess(wrong[-1], [action.dest for action in parser._actions]) if wrong else ""  # noqa: SLF001


def _class_hint(name: str) -> str:
    if paths := [path for path in _our_paths() if path.endswith(f".{name}")]:
        return f"Write its whole path: {min(paths, key=len)}\n"
    return guess(name, _our_classes()) or (
        "Classes that are not of goodsam_pl or Lightning need their whole path, "
        "package.module.Class.\n"
    )


def _protocol_hint(name: str) -> str:
    """The methods that a class must have."""
    paths = [path for path in _our_paths() if path.endswith(f".{name}")]
    if not paths:
        return ""
    protocol = pkgutil.resolve_name(min(paths, key=len))
    methods = [
        f"  {method}{inspect.signature(function)}".replace("'", "")
        for method, function in inspect.getmembers(protocol, inspect.isfunction)
        if not method.startswith("_")
    ]
    return "\n".join(["It needs, with just these names and types:", *methods, ""])


def _our_classes() -> list[str]:
    packages = [module for name, module in sys.modules.items() if name.startswith("goodsam_pl.")]
    return sorted({name for package in packages for name in getattr(package, "__all__", ())})


def _our_paths() -> list[str]:
    packages = [(name, sys.modules[name]) for name in sys.modules if name.startswith("goodsam_pl.")]
    return [
        f"{name}.{each}" for name, module in packages for each in getattr(module, "__all__", ())
    ]


def _parameters(class_path: str) -> list[str]:
    return list(inspect.signature(pkgutil.resolve_name(class_path)).parameters)
