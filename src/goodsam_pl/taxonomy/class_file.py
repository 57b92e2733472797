"""A class set that a user writes down, in a YAML file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from goodsam_pl.files.section import Section, read_mapping
from goodsam_pl.taxonomy.class_set import Color, Taxonomy, voc_palette
from goodsam_pl.taxonomy.known import TAXONOMIES

__all__ = ["SUFFIXES", "read_class_file"]

SUFFIXES = (".yaml", ".yml")
"""What ends a name that is the path of a class file."""


def read_class_file(path: Path) -> Taxonomy:
    """Read a class set.

    The file names its ``classes`` in trainId order, each by a text, or by a mapping with a
    ``name`` and, as wanted, a ``color`` (red, green, blue) and the ``id`` that label files hold.
    ``name`` calls the set, the file's own name otherwise. ``void`` lists what label files hold,
    besides 255, where nothing is to be learned. ``to`` and ``from`` tell what classes mean in other
    sets::

        name: my-streets
        classes:
          - {name: road, color: [128, 64, 128], id: 7}
          - {name: car, color: [0, 0, 142], id: 26}
        void: [0]
        to:
          cityscapes-19: {road: road, car: car}
        from:
          cityscapes-19: {road: road, car: car, truck: car}

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not of this form; the message names the file and the key.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such class file; write one, or name a known taxonomy")
    section = Section(read_mapping(path), str(path))
    name = section.take("name", str, path.stem)
    entries = [
        _entry(each, index, path) for index, each in enumerate(section.need("classes", list))
    ]
    void = section.take("void", list, [])
    meanings, sources = (_tables(section, key) for key in ("to", "from"))
    section.end()
    ids = [number for _, _, number in entries]
    given = [number for number in ids if number is not None]
    if 0 < len(given) < len(ids):
        without = next(name for name, _, number in entries if number is None)
        raise ValueError(f"{path}: the class {without!r} has no id: give one to each, or to none")
    defaults = voc_palette(len(entries) + 1)[1:]  # the first is black, which is void
    _check_published(path, "to", meanings, lambda table: table.values())
    _check_published(path, "from", sources, lambda table: table)
    try:
        return Taxonomy(
            name=name,
            classes=tuple(name for name, _, _ in entries),
            palette=tuple(
                default if color is None else color
                for (_, color, _), default in zip(entries, defaults, strict=True)
            ),
            ids=tuple(given) if given else None,
            void_ids=tuple(void),
            meanings=meanings,
            sources=sources,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _entry(entry: Any, index: int, path: Path) -> tuple[str, Color | None, int | None]:
    if isinstance(entry, str):
        return entry, None, None
    section = Section(entry, f"{path}: classes[{index}]")
    name, color = section.need("name", str), section.find("color", list)
    number = section.find("id", int)
    section.end()
    if color is None:
        return name, None, number
    if len(color) != 3:
        raise ValueError(f"{path}: the colour of {name!r} is {color}; give red, green and blue")
    return name, (color[0], color[1], color[2]), number


def _check_published(
    path: Path,
    key: str,
    tables: Mapping[str, Mapping[str, str]],
    theirs: Callable[[Mapping[str, str]], Iterable[str]],
) -> None:
    """Refuse names that a published set does not have; other sets may come from other files."""
    for name, table in tables.items():
        for each in theirs(table) if name in TAXONOMIES else ():
            if each not in TAXONOMIES[name].classes:
                raise ValueError(
                    f"{path}: {key}.{name}: {name} has no class {each!r}; it has "
                    f"{', '.join(TAXONOMIES[name].classes)}"
                )


def _tables(section: Section, key: str) -> Mapping[str, Mapping[str, str]]:
    return {name: table.tree for name, table in section.sections(key).items()}
