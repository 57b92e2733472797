"""Reading a YAML mapping key by key, with errors that name the key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from goodsam_pl.files.yaml_text import load_yaml, read_yaml_text

__all__ = ["Section", "read_mapping"]

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

    def end(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            ValueError: a key is left over.
        """
        for key in self._left:
            close = difflib.get_close_matches(key, self._known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(self._known)}"
            raise ValueError(f"{self.where}: there is no key {key!r}; {hint}")

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
        ValueError: it is no YAML, has a key twice, unfolds too far, or is no mapping.
    """
    try:
        tree = load_yaml(read_yaml_text(path))
    except ValueError as error:
        told = str(error)
        raise ValueError(told if told.startswith(str(path)) else f"{path}: {error}") from error
    return Section(tree, str(path)).tree


def _shown(value: Any) -> str:
    """A value for an error, as far as it fits on a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
