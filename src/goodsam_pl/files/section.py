"""Reading a YAML mapping key by key, with errors that name the key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from goodsam_pl.files.yaml_text import load_yaml, read_yaml_text

__all__ = ["Section", "read_mapping", "refuse_other_keys"]

T = TypeVar("T")

_SHOWN = 200

_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


class Section:
    """A mapping of a file: every key is taken once, and none may be left over.

    Args:
        tree: what the file has there.
        where: file and key, for errors.

    Raises:
        ValueError: it is no mapping with texts as keys.
    """

    def __init__(self, tree: Any, where: str) -> None:
        if not isinstance(tree, Mapping) or not all(isinstance(key, str) for key in tree):
            raise ValueError(
                f"{where}: expected a mapping with names as keys, found {_shown(tree)}"
            )
        self.tree: dict[str, Any] = dict(tree)
        self._left = dict(tree)
        self._known: list[str] = []
        self.where = where

    def need(self, key: str, kind: type[T]) -> T:
        """Take a key that must be there.

        Raises:
            ValueError: it is not, or it is of another kind.
        """
        if key not in self._left:
            raise ValueError(f"{self.where}: the key {key!r} is missing, {_WORDS[kind]}")
        return self._take(key, kind)

    def take(self, key: str, kind: type[T], default: T) -> T:
        """Take a key that may be left out.

        Raises:
            ValueError: it is of another kind.
        """
        return self._take(key, kind) if key in self._left else self._remember(key, default)

    def find(self, key: str, kind: type[T]) -> T | None:
        """Take a key that may be left out or null.

        Raises:
            ValueError: it is of another kind.
        """
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return self._remember(key, None)
        return self._take(key, kind)

    def sections(self, key: str) -> dict[str, Section]:
        """Take a mapping of mappings, empty if it is left out."""
        tree = Section(self.take(key, dict, {}), f"{self.where}.{key}").tree
        return {name: Section(each, f"{self.where}.{key}.{name}") for name, each in tree.items()}

    def read(self, kind: type[T], **given: Any) -> T:
        """Take all as a dataclass: its fields are the keys, their types say what is expected.

        Args:
            kind: a dataclass, whose fields have the types of the other methods, other dataclasses,
                lists, mappings of these, and ``None``.
            given: values of fields that are no keys.

        Raises:
            ValueError: a key is missing, unknown or of another kind, or the dataclass refuses.
        """
        hints = get_type_hints(kind)
        for each in fields(kind):  # type: ignore[arg-type]  # T is a dataclass
            optional = each.default is not MISSING or each.default_factory is not MISSING
            if each.name in given or (optional and each.name not in self._left):
                self._known.append(each.name)
            else:
                given[each.name] = self._typed(each.name, hints[each.name])
        self.end()
        try:
            return kind(**given)
        except ValueError as error:
            raise ValueError(f"{self.where}: {error}") from error

    def end(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            ValueError: a key is left over.
        """
        for key in self._left:
            close = difflib.get_close_matches(key, self._known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(self._known)}"
            raise ValueError(f"{self.where}: there is no key {key!r}; {hint}")

    def _typed(self, key: str, hint: Any) -> Any:
        kind, inner = get_origin(hint) or hint, get_args(hint)
        if NoneType in inner:
            absent = self._left.get(key) is None
            return self.find(key, object) if absent else self._typed(key, inner[0])
        where = f"{self.where}.{key}"
        if is_dataclass(kind):
            return Section(self.need(key, dict), where).read(cast("type[Any]", kind))
        value = self.need(key, kind)
        if kind is not dict:
            return value
        section = Section(value, where)
        if inner[1] is Any:
            return section.tree
        return {name: section._typed(name, inner[1]) for name in section.tree}

    def _take(self, key: str, kind: type[T]) -> T:
        value = self._left.pop(key)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{self.where}.{key}: expected {_WORDS[kind]}, found {_shown(value)}")
        return self._remember(key, value)

    def _remember(self, key: str, value: T) -> T:
        self._known.append(key)
        return value


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no YAML, has a key twice or one that is no text, unfolds too far, or is no
            mapping.
    """
    try:
        tree = load_yaml(read_yaml_text(path))
    except ValueError as error:
        told = str(error)
        raise ValueError(told if told.startswith(str(path)) else f"{path}: {error}") from error
    refuse_other_keys(tree, str(path))
    return Section(tree, str(path)).tree


def refuse_other_keys(tree: Any, where: str) -> None:
    """Refuse keys that are no texts, at any depth: no option is called by a number or nothing.

    Raises:
        ValueError: there is one.
    """
    if isinstance(tree, dict):
        for key, value in tree.items():
            if not isinstance(key, str):
                raise ValueError(f"{where}: the key {key!r} is no name")  # noqa: TRY004  # of a file
            refuse_other_keys(value, f"{where}.{key}")
    elif isinstance(tree, list):
        for value in tree:
            refuse_other_keys(value, where)


def _shown(value: Any) -> str:
    """A value for an error, as far as it fits on a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
