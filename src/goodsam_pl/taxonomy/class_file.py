"""A class set that a user writes down, in a YAML file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from goodsam_pl.files.section import Section, read_mapping
from goodsam_pl.taxonomy.class_set import Color, Taxonomy, voc_palette
from goodsam_pl.taxonomy.known import TAXONOMIES

__all__ = ["SUFFIXES", "class_file_text", "read_class_file"]

SUFFIXES = (".yaml", ".yml")
"""What ends a name that is the path of a class file."""


def read_class_file(path: Path) -> Taxonomy:
    """Read a class set.

    The file names its ``classes`` in trainId order, each by a text, or by a mapping with a
    ``name`` and, as wanted, a ``color`` (red, green, blue), the ``id`` that label files hold, and
    the ``phrases`` that a model which finds things by words is asked: the name is one of them only
    if it is listed, and a class with an empty list is not asked for.
    ``name`` calls the set, the file's own name otherwise. ``void`` lists what label files hold,
    besides 255, where nothing is to be learned. ``to`` and ``from`` tell what classes mean in other
    sets::

        name: my-streets
        classes:
          - {name: road, color: [128, 64, 128], id: 7}
          - {name: car, color: [0, 0, 142], id: 26, phrases: [car, van]}
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
    ids = [each.id for each in entries]
    given = [number for number in ids if number is not None]
    if 0 < len(given) < len(ids):
        without = next(each.name for each in entries if each.id is None)
        raise ValueError(f"{path}: the class {without!r} has no id: give one to each, or to none")
    defaults = voc_palette(len(entries) + 1)[1:]  # the first is black, which is void
    _check_published(path, "to", meanings, lambda table: table.values())
    _check_published(path, "from", sources, lambda table: table)
    try:
        return Taxonomy(
            name=name,
            classes=tuple(each.name for each in entries),
            palette=tuple(
                default if each.color is None else each.color
                for each, default in zip(entries, defaults, strict=True)
            ),
            ids=tuple(given) if given else None,
            void_ids=tuple(void),
            meanings=meanings,
            sources=sources,
            phrases={each.name: each.phrases for each in entries if each.phrases is not None},
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def class_file_text(taxonomy: Taxonomy) -> str:
    """A class set as :func:`read_class_file` reads it, one class a line."""
    ids = taxonomy.ids or (None,) * len(taxonomy.classes)
    rows = []
    for name, color, number in zip(taxonomy.classes, taxonomy.palette, ids, strict=True):
        entry: dict[str, Any] = {"name": name, "color": list(color)}
        if number is not None:
            entry["id"] = number
        if name in taxonomy.phrases:
            entry["phrases"] = list(taxonomy.phrases[name])
        rows.append(f"  - {json.dumps(entry, ensure_ascii=False)}")
    further = {
        "void": list(taxonomy.void_ids),
        "to": {name: dict(table) for name, table in taxonomy.meanings.items()},
        "from": {name: dict(table) for name, table in taxonomy.sources.items()},
    }
    lines = [f"name: {json.dumps(taxonomy.name, ensure_ascii=False)}", "classes:", *rows]
    # what JSON writes is YAML as well
    lines += [
        f"{key}: {json.dumps(each, ensure_ascii=False)}" for key, each in further.items() if each
    ]
    return "\n".join([*lines, ""])


class _Entry(NamedTuple):
    """A class as the file has it; ``None`` where it says nothing."""

    name: str
    color: Color | None = None
    id: int | None = None
    phrases: tuple[str, ...] | None = None


def _entry(entry: Any, index: int, path: Path) -> _Entry:
    if isinstance(entry, str):
        return _Entry(entry)
    section = Section(entry, f"{path}: classes[{index}]")
    name, color = section.need("name", str), section.find("color", list)
    number, phrases = section.find("id", int), section.find("phrases", list)
    section.end()
    words = None if phrases is None else tuple(phrases)
    if color is None:
        return _Entry(name, None, number, words)
    if len(color) != 3:
        raise ValueError(f"{path}: the colour of {name!r} is {color}; give red, green and blue")
    return _Entry(name, (color[0], color[1], color[2]), number, words)


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
