"""Mistakes in a training's command line that are told before torch is imported.

Signatures are read from source files. Whatever is not certain is left to the parser that comes
after; what is told here, that parser would tell in the same words, seconds later.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from goodsam_pl.cli.complaints import complain, guess, option_hint
from goodsam_pl.cli.sketch import source_of
from goodsam_pl.cli.verbs import PREDICT_OPTIONS
from goodsam_pl.files.presets import composed
from goodsam_pl.files.yaml_text import load_yaml, read_yaml_text

__all__ = ["refuse_early"]

_GROUPS = ("trainer", "model", "data")
_KEYWORDS = ("best", "last", "hpc", "registry")
_HELP = ("-h", "--help")


class _Option(NamedTuple):
    """``--name value``, or ``--name=value``."""

    name: str
    value: str | None
    words: list[str]


def refuse_early(verb: str, words: Sequence[str]) -> None:
    """Look at options and configuration files.

    Args:
        verb: of the Trainer.
        words: after it.

    Raises:
        SystemExit: with status 2 for a mistake.
        FileNotFoundError: there is no such checkpoint.
    """
    if any(word in _HELP or word.split("=")[0].endswith(".help") for word in words):
        return
    options = list(_options(words))
    known = _known_options(verb)
    configs = [each for each in options if each.name in {"c", "config"} and each.value]
    contents = [_content(verb, Path(str(each.value))) for each in configs]
    for content in contents:
        _check_keys(verb, content, known)
    if wrong := [each for each in options if not _is_known(each.name, known)]:
        extra = " ".join(word for each in wrong for word in each.words)
        complain(
            f"goodsam {verb}", f"unrecognized arguments: {extra}", guess(wrong[-1].name, known)
        )
    for group in ("model", "data"):
        if not any(each.name in {group, f"{group}.class_path"} for each in options):
            _check_class(verb, group, contents, options)
    for each in options:
        if each.name == "ckpt_path" and each.value and _is_missing(each.value):
            raise FileNotFoundError(f"--ckpt_path {each.value}: there is no such checkpoint")


def _options(words: Sequence[str]) -> Iterator[_Option]:
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word.lstrip("-")[:1].isdigit():
            continue
        name, equals, value = word.lstrip("-").partition("=")
        taken = [word]
        if not equals and rest and not rest[0].startswith("--"):
            value = rest.pop(0)
            taken.append(value)
        yield _Option(name.rstrip("+"), value if len(taken) == 2 or equals else None, taken)


def _content(verb: str, path: Path) -> dict[str, Any]:
    """A configuration file; empty where what is given is none, which the parser will say."""
    command = f"goodsam {verb}"
    if not path.is_file():
        if "://" in str(path) or str(path) == "-" or "\n" in str(path) or "{" in str(path):
            return {}
        complain(command, f"Parser key \"config\": File does not exist: '{path.absolute()}'", "")
    text = read_yaml_text(path)
    try:
        content = composed(load_yaml(text), path)
    except ValueError as error:
        complain(command, f"Problems parsing config {path}: {error}", "")
    if not isinstance(content, dict):
        found = "nothing" if content is None else repr(content)[:80]
        complain(
            command, f"Problems parsing config {path}: expected keys and values, found {found}", ""
        )
    return content


def _check_keys(verb: str, content: dict[str, Any], known: list[str]) -> None:
    trainer = content.get("trainer")
    keys = [str(key) for key in content]
    keys += [f"trainer.{key}" for key in trainer] if isinstance(trainer, dict) else []
    for key in keys:
        if not _is_known(key, known):
            told = f"Subcommand {verb!r} does not accept option {key!r}"
            complain(f"goodsam {verb}", told, guess(key, known))


def _is_known(name: str, known: list[str]) -> bool:
    first, _, rest = name.partition(".")
    if first == "trainer" and rest:
        second = rest.split(".")[0].rstrip("+")
        return f"trainer.{second}" in known or not any(
            each.startswith("trainer.") for each in known
        )
    return first in known


@cache
def _known_options(verb: str) -> list[str]:
    """All there can be: of the verb, of the Trainer, and what our own command adds."""
    names = {*_GROUPS, "c", "config", "print_config", "seed_everything"}
    if verb == "predict":
        names |= {*PREDICT_OPTIONS, *(f"no_{each}" for each in PREDICT_OPTIONS)}
    for path in source_of("goodsam_pl.cli").parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                names |= {str(text).lstrip("-") for text in texts}
    trainer = _trainer()
    methods = {} if trainer is None else _methods(trainer)
    names |= set(_parameters(methods.get(verb)) or ())
    return sorted(names) + [
        f"trainer.{each}" for each in _parameters(methods.get("__init__")) or ()
    ]


def _trainer() -> ast.ClassDef | None:
    """Lightning's, read where it is installed."""
    found = importlib.util.find_spec("lightning")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "pytorch/trainer/trainer.py"
        if path.is_file():
            return _class_in(path, "Trainer")
    return None


def _check_class(
    verb: str, group: str, contents: list[dict[str, Any]], options: list[_Option]
) -> None:
    chosen = [each[group] for each in contents if isinstance(each.get(group), dict)]
    if len(chosen) != 1 or not isinstance(class_path := chosen[0].get("class_path"), str):
        return
    parameters = _parameters_of_class(class_path)
    if parameters is None:
        return
    init_args = chosen[0].get("init_args")
    given = [str(key) for key in init_args] if isinstance(init_args, dict) else []
    given += [
        option.name.removeprefix(f"{group}.").removeprefix("init_args.")
        for option in options
        if option.name.startswith(f"{group}.")
    ]
    for key in given:
        if key.split(".")[0] not in {*parameters, "class_path", "init_args", "dict_kwargs"}:
            complain(
                f"goodsam {verb}",
                f'Parser key "{group}":\n'
                f"    - Problem with given class_path {class_path!r}:\n"
                f"        Option {key.split('.')[0]!r} is not accepted",
                option_hint(key.split(".")[0], class_path, parameters),
            )


def _parameters_of_class(class_path: str) -> list[str] | None:
    """Of a class of ours that is imported by name in its package; ``None`` where in doubt."""
    package, _, name = class_path.rpartition(".")
    try:
        tree = ast.parse(source_of(package).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
                found = _class_in(source_of(str(node.module)), name)
                return None if found is None else _parameters(_methods(found).get("__init__"))
    except FileNotFoundError:
        pass
    return None


def _class_in(path: Path, name: str) -> ast.ClassDef | None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name]
    return classes[0] if classes else None


def _methods(definition: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {each.name: each for each in definition.body if isinstance(each, ast.FunctionDef)}


def _parameters(function: ast.FunctionDef | None) -> list[str] | None:
    if function is None or function.args.kwarg is not None:
        return None
    arguments = [*function.args.args, *function.args.kwonlyargs]
    return [each.arg for each in arguments if each.arg != "self"]


def _is_missing(checkpoint: str) -> bool:
    """Whether it is surely a path, and nothing is there."""
    named = checkpoint.startswith(_KEYWORDS) or ":" in checkpoint
    return not named and checkpoint not in {"null", "None"} and not Path(checkpoint).exists()
