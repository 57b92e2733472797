"""Every argument that a configuration may give, read from the classes and their docstrings."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

import docstring_parser
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from torch import nn

from goodsam_pl.fusion import Fusion
from goodsam_pl.modules.continual import ContinualMethod, DomainQuery

__all__ = ["Argument", "arguments", "classes", "configuration_pages"]


@dataclass(frozen=True)
class Argument:
    """One argument of a class.

    Attributes:
        name: as a configuration has it.
        kind: its type, as the source has it.
        default: as Python writes it; ``None`` where it has to be given.
        description: one paragraph of the docstring; empty where nobody wrote any.
    """

    name: str
    kind: str
    default: str | None
    description: str


@dataclass(frozen=True)
class _Group:
    """Classes of a page, by the rooms that hand them out."""

    title: str
    about: str
    rooms: tuple[str, ...]
    belongs: Callable[[type], bool]


GROUPS = {
    "systems": _Group(
        "Systems",
        "What `model:` names, and the parts of it that are given as groups of values.",
        ("goodsam_pl.modules", "goodsam_pl.modules.continual"),
        lambda found: issubclass(found, LightningModule),
    ),
    "methods": _Group(
        "Continual methods",
        "What `method` of `ContinualSequence` names, and what a method is made of.",
        ("goodsam_pl.modules.continual",),
        lambda found: issubclass(found, ContinualMethod | DomainQuery),
    ),
    "data": _Group(
        "Data modules",
        "What `data:` names.",
        ("goodsam_pl.data",),
        lambda found: issubclass(found, LightningDataModule),
    ),
    "callbacks": _Group(
        "Callbacks",
        "What `trainer.callbacks` may list beside Lightning's own.",
        ("goodsam_pl.callbacks",),
        lambda found: issubclass(found, Callback),
    ),
    "fusions": _Group(
        "Fusions",
        "What `teachers.fusion` names.",
        ("goodsam_pl.fusion",),
        lambda found: issubclass(found, Fusion),
    ),
    "proposers": _Group(
        "Mask proposers",
        "What `proposer` of `PrecomputeSAM` and `--proposer` of the commands name.",
        ("goodsam_pl.sam",),
        lambda found: hasattr(found, "describe"),
    ),
    "networks": _Group(
        "Networks",
        "What `network`, `student` and `teacher_assistant` name.",
        ("goodsam_pl.networks",),
        lambda found: issubclass(found, nn.Module),
    ),
}


def configuration_pages() -> dict[str, str]:
    """Markdown of the reference, by place in the site."""
    return {f"reference/configuration/{name}.md": _page(group) for name, group in GROUPS.items()}


def classes(group: str) -> list[type]:
    """The classes of a page, those that their arguments are made of behind them."""
    each = GROUPS[group]
    found = [
        value
        for room in each.rooms
        for name in importlib.import_module(room).__all__
        if inspect.isclass(value := getattr(importlib.import_module(room), name))
        and each.belongs(value)
        and not inspect.isabstract(value)
        and value.__init__ is not object.__init__
    ]
    parts = [part for one in found for part in _parts(one)]
    return list(dict.fromkeys([*found, *parts]))


def arguments(found: type) -> list[Argument]:
    """What the constructor of a class takes, what it hands on to its base included."""
    listed: dict[str, Argument] = {}
    for base in found.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = [*inspect.signature(base.__init__).parameters.values()][1:]  # type: ignore[misc]
        for each in parameters:
            if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL}:
                listed.setdefault(each.name, _argument(each, found))
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            break
    return list(listed.values())


def _argument(parameter: inspect.Parameter, found: type) -> Argument:
    default = parameter.default
    factories = {
        each.name: each.default_factory
        for each in (fields(found) if is_dataclass(found) else ())
        if each.default_factory is not MISSING
    }
    if parameter.name in factories:
        default = factories[parameter.name]()
    kind = parameter.annotation
    return Argument(
        parameter.name,
        "" if kind is parameter.empty else kind if isinstance(kind, str) else _name(kind),
        None if default is parameter.empty else _shown(default),
        _described(found).get(parameter.name, ""),
    )


def _described(found: type) -> dict[str, str]:
    """Descriptions of arguments by name, those of a class before those of its bases."""
    descriptions: dict[str, str] = {}
    for base in found.__mro__:
        text = vars(base).get("__doc__")
        parsed = docstring_parser.parse(text or "", docstring_parser.DocstringStyle.GOOGLE)
        for each in parsed.params:
            descriptions.setdefault(each.arg_name, " ".join((each.description or "").split()))
    return descriptions


def _parts(found: type) -> Iterator[type]:
    """Dataclasses of ours that are values of arguments, and theirs."""
    hints = typing.get_type_hints(found if is_dataclass(found) else found.__init__)  # type: ignore[misc]
    for hint in hints.values():
        for each in (hint, *typing.get_args(hint)):
            if inspect.isclass(each) and each.__module__.startswith("goodsam_pl"):
                part: type = each
                if is_dataclass(part) and not inspect.isabstract(part):
                    yield part
                    yield from _parts(part)


def _page(group: _Group) -> str:
    name = next(key for key, value in GROUPS.items() if value is group)
    return f"# {group.title}\n\n{group.about}\n\n" + "\n".join(map(_section, classes(name)))


def _section(found: type) -> str:
    """Class path, first sentence, and a row for each argument."""
    parsed = docstring_parser.parse(
        inspect.getdoc(found) or "", docstring_parser.DocstringStyle.GOOGLE
    )
    rows = [
        f"| `{each.name}` | {_code(each.kind)} | "
        f"{'to be given' if each.default is None else _code(each.default)} | "
        f"{_cell(each.description)} |"
        for each in arguments(found)
    ]
    table = (
        ["| argument | type | default | |", "|---|---|---|---|", *rows]
        if rows
        else ["No arguments."]
    )
    title = f"## {found.__name__}\n\n`{_path(found)}`: {parsed.short_description or ''}"
    return "\n".join([title, "", *table, ""])


def _path(found: type) -> str:
    """The shortest name that a configuration may use."""
    parts = found.__module__.split(".")
    for depth in range(2, len(parts) + 1):
        module = ".".join(parts[:depth])
        if getattr(importlib.import_module(module), found.__name__, None) is found:
            return f"{module}.{found.__name__}"
    return f"{found.__module__}.{found.__qualname__}"


def _shown(default: Any) -> str:
    if inspect.isclass(default) or inspect.isroutine(default):
        return str(default.__name__)
    return repr(default)


def _name(kind: Any) -> str:
    return kind.__name__ if inspect.isclass(kind) else str(kind).replace("typing.", "")


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")
