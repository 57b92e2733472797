"""Class sets by name: the published ones, and those of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from goodsam_pl.taxonomy.class_file import SUFFIXES, read_class_file
from goodsam_pl.taxonomy.class_set import IGNORE_INDEX, Taxonomy
from goodsam_pl.taxonomy.known import TAXONOMIES
from goodsam_pl.taxonomy.meanings import MEANINGS

__all__ = ["get_taxonomy", "register_taxonomy", "remap_table"]

_registered: dict[str, Taxonomy] = {}


def get_taxonomy(name: str) -> Taxonomy:
    """Look a taxonomy up by its name, or read it from a file.

    Args:
        name: of a published set, or the path of a class file (``.yaml``, see
            :func:`goodsam_pl.taxonomy.read_class_file`), which a relative path finds from the
            working folder.

    Raises:
        FileNotFoundError: there is no such class file.
        ValueError: the name is unknown, and the message lists the known ones; or the file is not
            right.
    """
    if name in TAXONOMIES:
        return TAXONOMIES[name]
    if name.lower().endswith(SUFFIXES) and (name not in _registered or Path(name).is_file()):
        taxonomy = read_class_file(Path(name).expanduser())
        try:
            register_taxonomy(taxonomy, taxonomy.name)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        return taxonomy
    if name in _registered:
        return _registered[name]
    raise ValueError(
        f"unknown taxonomy {name!r}; known: {', '.join(TAXONOMIES)}; for classes of your own give "
        "the path of a class file, classes.yaml"
    )


def register_taxonomy(taxonomy: Taxonomy, name: str) -> None:
    """Let :func:`get_taxonomy` find a set that a checkpoint or a weights file brought along.

    Args:
        taxonomy: the set.
        name: what it will be asked for by: a name, or the path that a configuration gave where the
            training ran. A file that is there under that path wins.

    Raises:
        ValueError: the name is that of a published set of other classes.
    """
    if name in TAXONOMIES and TAXONOMIES[name] != taxonomy:
        raise ValueError(
            f"the taxonomy {name!r} has other classes than the published one of that name: give it "
            "a name of its own"
        )
    _registered[name] = taxonomy


def remap_table(source: str | Taxonomy, target: str | Taxonomy) -> npt.NDArray[np.uint8]:
    """Table that turns trainIds of one taxonomy into those of another: ``table[labels]``.

    Args:
        source: taxonomy of the labels at hand, or its name.
        target: taxonomy wanted, or its name.

    Returns:
        ``(256,)`` uint8. Classes without a counterpart and all ids that ``source`` does not have
        become 255.

    Raises:
        ValueError: an unknown name, or two taxonomies between which no translation is defined; the
            message lists what is.
    """
    origin = get_taxonomy(source) if isinstance(source, str) else source
    goal = get_taxonomy(target) if isinstance(target, str) else target
    table = np.full(256, IGNORE_INDEX, dtype=np.uint8)
    for name, meaning in _meanings(origin, goal).items():
        table[origin.index(name)] = goal.index(meaning)
    return table


def _meanings(origin: Taxonomy, goal: Taxonomy) -> Mapping[str, str]:
    if origin.classes == goal.classes:
        return {name: name for name in origin.classes}
    if goal.name in origin.meanings:
        return origin.meanings[goal.name]
    if origin.name in goal.sources:
        return goal.sources[origin.name]
    if (origin.name, goal.name) in MEANINGS:
        return MEANINGS[origin.name, goal.name]
    reachable = [pair[1] for pair in MEANINGS if pair[0] == origin.name]
    raise ValueError(
        f"labels of {origin.name!r} cannot be expressed in {goal.name!r}; from {origin.name!r} one "
        f"can go to {', '.join([origin.name, *origin.meanings, *reachable])}; a class file tells "
        "by `to` and `from` what its classes mean in other sets"
    )
