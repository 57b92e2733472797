"""Classes as a command line names them: a list of names, a published set, or a class file."""

from __future__ import annotations

import difflib

from goodsam_pl.taxonomy.class_file import SUFFIXES
from goodsam_pl.taxonomy.class_set import BACKGROUND, Taxonomy, voc_palette
from goodsam_pl.taxonomy.known import TAXONOMIES
from goodsam_pl.taxonomy.registry import get_taxonomy

__all__ = ["read_classes"]

_CLOSE = 0.8


def read_classes(text: str) -> Taxonomy:
    """The classes that a text names.

    Args:
        text: names with commas between them, ``"car, person"``, which get colours of Pascal VOC; or
            the name of a published set; or the path of a class file.

    Raises:
        FileNotFoundError: there is no such class file.
        ValueError: it names no class, or one twice; or the file is not right.
    """
    name = text.strip()
    if name in TAXONOMIES or name.lower().endswith(SUFFIXES):
        return get_taxonomy(name)
    names = tuple(each.strip() for each in text.split(",") if each.strip())
    if not names:
        raise ValueError(
            'no class names: give some with commas between them, "car, person", a class file, or '
            f"one of {', '.join(TAXONOMIES)}"
        )
    close = difflib.get_close_matches(name, TAXONOMIES, n=1, cutoff=_CLOSE)
    if len(names) == 1 and close:
        raise ValueError(f"no class set is called {name!r}: did you mean {close[0]!r}?")
    colours = iter(voc_palette(len(names) + 1)[1:])
    palette = tuple((0, 0, 0) if each == BACKGROUND else next(colours) for each in names)
    return Taxonomy("classes", names, palette)
