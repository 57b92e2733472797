"""Lightning's argument parser, with errors that fit on a screen and say what would be right."""

from __future__ import annotations

import difflib
import inspect
import pkgutil
import re
import sys
from typing import NoReturn

from lightning.pytorch.cli import LightningArgumentParser

__all__ = ["ShortErrorParser"]

_WRONG_OPTION = re.compile(r"class_path '([\w.]+)':\s+Option '([\w.]+)' is not accepted")
_WRONG_CLASS = re.compile(r"(?:Expected a dot import path string: |has no attribute ')(\w+)")
_NOISE = re.compile(
    r"\s*($|Does not validate against any|- Does not validate against any|Subtypes: |Errors:$"
    r"|- Expected a <class 'NoneType'>|Given value type: |Subclass types expect one of:"
    r"|- a class path \(str\)|- a dict with)"
)
_WRONG_KEY = re.compile(r"(?:[Kk]ey|option|[Uu]nrecognized arguments:) ['\"]?(?:--)?([\w.]+)")


class ShortErrorParser(LightningArgumentParser):
    """Prints the error and how to get help, not two hundred lines of usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End with status 2; ``ex`` is what the message was made of."""
        if not self.exit_on_error:
            super().error(message, ex)
        parser = getattr(ex, "subcommand_parser", None) or self
        command = parser.prog.replace(" [options]", "")
        lines = [line for line in message.splitlines() if not _NOISE.match(line)]
        told = "\n".join(line if len(line) <= 200 else f"{line[:200]} …" for line in lines)
        sys.stderr.write(f"{command}: error: {told}\n{_hint(message, parser)}")
        sys.stderr.write(f"`{command} --help` lists the options.\n")
        raise SystemExit(2)


def _hint(message: str, parser: LightningArgumentParser) -> str:
    """What was meant, if one can tell."""
    if "before subcommand" in message:
        return "Write the verb first: goodsam fit --config FILE.yaml\n"
    if wrong := _WRONG_OPTION.findall(message):
        class_path, option = wrong[-1]
        known = _parameters(class_path)
        return _guess(option, known) or f"{class_path} accepts {', '.join(known)}.\n"
    if wrong := _WRONG_CLASS.findall(message):
        if paths := [path for path in _our_paths() if path.endswith(f".{wrong[-1]}")]:
            return f"Write its whole path: {min(paths, key=len)}\n"
        return _guess(wrong[-1], _our_classes()) or (
            "Classes that are not of goodsam_pl or Lightning need their whole path, "
            "package.module.Class.\n"
        )
    if wrong := _WRONG_KEY.findall(message):
        return _guess(wrong[-1], [action.dest for action in parser._actions])  # noqa: SLF001
    return ""


def _guess(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?\n" if close and word not in known else ""


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
