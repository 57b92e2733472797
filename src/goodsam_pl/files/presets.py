"""Presets made of parts, read as the one configuration that they stand for.

Two rules, at any depth of a file:

- A text that begins with ``./`` or ``../`` and ends with ``.yaml`` is a part: what that file holds
  stands in its place. It is looked for from the folder of the file that names it. A part that is a
  list, among the items of a list, stands for its items.
- A key with dots is laid over the key beside it that it begins with, as an option of the command
  line would be: ``data: ../data/densepass.yaml`` and ``data.batch_size: 2``. Later ones win. At the
  top of a file that key may be missing, for a file that is laid over another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodsam_pl.files.overrides import overridden
from goodsam_pl.files.yaml_text import load_yaml, read_yaml_text

__all__ = ["composed", "read_preset"]

_BEGINNINGS = ("./", "../")
_ENDINGS = (".yaml", ".yml")
_NO_PARTS = frozenset({"taxonomy", "evaluation_taxonomy"})
"""Keys of class files, which are named from the working folder and stay names."""
_MOST_PARTS = 1000
"""Our choice; files that name each other twice could stand for any number."""


def read_preset(path: Path) -> dict[str, Any]:
    """Read a configuration, its parts in place.

    Args:
        path: of the preset; paths of parts count from its folder.

    Raises:
        FileNotFoundError: there is no such preset.
        ValueError: it is no YAML or no mapping, a part names itself, or a key with dots leads
            nowhere. The message names the file.
    """
    tree = composed(_load(path), path)
    if not isinstance(tree, dict):
        raise ValueError(f"{path}: expected keys and values, found {str(tree)[:80]!r}")  # noqa: TRY004  # of a file
    return tree


def composed(tree: Any, path: Path) -> Any:
    """A configuration with its parts in place.

    Args:
        tree: what a file holds, or a mapping that could stand in it.
        path: of the file.

    Raises:
        ValueError: as :func:`read_preset`.
    """
    composer, files = _Composer(), (path.absolute(),)
    if isinstance(tree, dict):
        return composer.mapping(tree, files, top=True)
    return composer.composed(tree, files)


class _Composer:
    """Puts parts in place, and counts them."""

    def __init__(self) -> None:
        self._parts = 0

    def composed(self, tree: Any, files: tuple[Path, ...]) -> Any:
        """What a tree of the last file stands for; the files before it led there."""
        if isinstance(tree, dict):
            return self.mapping(tree, files)
        if isinstance(tree, list):
            return [each for item in tree for each in self._items(item, files)]
        part = _part(tree, files[-1])
        return tree if part is None else self._read(part, files)

    def mapping(
        self, tree: dict[Any, Any], files: tuple[Path, ...], top: bool = False
    ) -> dict[Any, Any]:
        """A mapping with keys laid over others; at the top of a preset, over none, too."""
        whole = {
            key: value if key in _NO_PARTS else self.composed(value, files)
            for key, value in tree.items()
        }
        over = {key: whole.pop(key) for key in tree if _leads_inwards(key, tree, top)}
        try:
            return overridden(whole, over) if over else whole
        except (TypeError, ValueError) as error:
            raise ValueError(f"{files[-1]}: {error}") from error

    def _items(self, item: Any, files: tuple[Path, ...]) -> list[Any]:
        value = self.composed(item, files)
        return value if isinstance(value, list) and isinstance(item, str) else [value]

    def _read(self, part: Path, files: tuple[Path, ...]) -> Any:
        self._parts += 1
        if part in files:
            raise ValueError(f"{files[-1]}: {part} is a part of itself")
        if self._parts > _MOST_PARTS:
            raise ValueError(f"{files[0]}: more than {_MOST_PARTS:,} parts")
        return self.composed(_load(part), (*files, part))


def _leads_inwards(key: Any, tree: dict[Any, Any], top: bool) -> bool:
    first, dot, _ = key.partition(".") if isinstance(key, str) else (key, "", "")
    return bool(dot) and (top or first in tree)


def _part(value: Any, file: Path) -> Path | None:
    """The file that a value names, if it is a part."""
    if isinstance(value, str) and value.startswith(_BEGINNINGS) and value.endswith(_ENDINGS):
        path = (file.parent / value).resolve()
        return path if path.is_file() else None
    return None


def _load(path: Path) -> Any:
    try:
        return load_yaml(read_yaml_text(path))
    except ValueError as error:
        told = str(error)
        raise ValueError(told if told.startswith(str(path)) else f"{path}: {told}") from error
