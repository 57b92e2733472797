"""Presets made of parts, read as the one configuration that they stand for.

Three rules:

- A text that begins with ``./`` or ``../`` and ends with ``.yaml`` is a part: what that file holds
  stands in its place. It is looked for from the folder of the file that names it. A part that is a
  list, among the items of a list, stands for its items.
- A key with dots is laid over the key beside it that it begins with, as an option of the command
  line would be: ``data: ../data/densepass.yaml`` and ``data.batch_size: 2``. Later ones win. At the
  top of a file that key may be missing, for a file that is laid over another one.
- A file in which ``over`` names a part is laid over that part, as a second ``--config`` would be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodsam_pl.files.overrides import overridden
from goodsam_pl.files.yaml_text import load_yaml, read_yaml_text

__all__ = ["composed", "read_preset"]

_BEGINNINGS = ("./", "../")
_ENDINGS = (".yaml", ".yml")
_NO_PARTS = frozenset({"taxonomy", "evaluation_taxonomy", "config"})
"""Keys of class files, and of presets in a plan of several runs: their values stay names."""
_OVER = "over"
_MOST_PARTS = 1000
"""Our choice; files that name each other twice could stand for any number."""


def read_preset(path: Path) -> dict[str, Any]:
    """Read a configuration, its parts in place.

    Args:
        path: of the preset; paths of parts count from its folder.

    Raises:
        FileNotFoundError: there is no such preset.
        ValueError: it is no YAML or no mapping, a part is missing or names itself, or a key with
            dots leads nowhere. The message names the file.
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
    return _Composer().file(tree, (path.absolute(),), top=True)


class _Composer:
    """Puts parts in place, and counts them."""

    def __init__(self) -> None:
        self._parts = 0

    def file(self, tree: Any, files: tuple[Path, ...], top: bool = False) -> Any:
        """What all of the last file stands for; those before it led there."""
        if not isinstance(tree, dict):
            return self._composed(tree, files)
        part = _part(tree.get(_OVER), files[-1])
        if part is None:
            return self._mapping(tree, files, top=top)
        base = self._read(part, files)
        if not isinstance(base, dict):
            raise ValueError(f"{files[-1]}: {part} has no keys and values to be laid over")  # noqa: TRY004  # of a file
        own = {key: value for key, value in tree.items() if key != _OVER}
        return self._mapping(own, files, top=True, base=base)

    def _composed(self, tree: Any, files: tuple[Path, ...]) -> Any:
        if isinstance(tree, dict):
            return self._mapping(tree, files)
        if isinstance(tree, list):
            return [each for item in tree for each in self._items(item, files)]
        part = _part(tree, files[-1])
        return tree if part is None else self._read(part, files)

    def _mapping(
        self,
        tree: dict[Any, Any],
        files: tuple[Path, ...],
        top: bool = False,
        base: Any = None,
    ) -> dict[Any, Any]:
        """A mapping with keys laid over others; at the top of a preset, over none, too."""
        whole = {
            key: value if _last(key) in _NO_PARTS else self._composed(value, files)
            for key, value in tree.items()
        }
        over = {key: whole.pop(key) for key in tree if _leads_inwards(key, tree, top)}
        try:
            whole = whole if base is None else overridden(base, whole)
            return overridden(whole, over) if over else whole
        except (TypeError, ValueError) as error:
            raise ValueError(f"{files[-1]}: {error}") from error

    def _items(self, item: Any, files: tuple[Path, ...]) -> list[Any]:
        value = self._composed(item, files)
        return value if isinstance(value, list) and isinstance(item, str) else [value]

    def _read(self, part: Path, files: tuple[Path, ...]) -> Any:
        self._parts += 1
        if part in files:
            raise ValueError(f"{files[-1]}: {part} is a part of itself")
        if self._parts > _MOST_PARTS:
            raise ValueError(f"{files[0]}: more than {_MOST_PARTS:,} parts")
        return self.file(_load(part), (*files, part))


def _last(key: Any) -> Any:
    return key.rpartition(".")[2] if isinstance(key, str) else key


def _leads_inwards(key: Any, tree: dict[Any, Any], top: bool) -> bool:
    first, dot, _ = key.partition(".") if isinstance(key, str) else (key, "", "")
    return bool(dot) and (top or first in tree)


def _part(value: Any, file: Path) -> Path | None:
    """The file that a value names, if it is a part; a file of the working folder stays a name."""
    if isinstance(value, str) and value.startswith(_BEGINNINGS) and value.endswith(_ENDINGS):
        path = (file.parent / value).resolve()
        if path.is_file():
            return path
        if not Path(value).is_file():
            raise ValueError(f"{file}: its part {value} is missing: there is no {path}")
    return None


def _load(path: Path) -> Any:
    try:
        return load_yaml(read_yaml_text(path))
    except ValueError as error:
        told = str(error)
        raise ValueError(told if told.startswith(str(path)) else f"{path}: {told}") from error
