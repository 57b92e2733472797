"""Splits that are told by lists of image names."""

from __future__ import annotations

import re
from pathlib import Path

from goodsam_pl.data.entries import (
    Entry,
    MissingSplitError,
    Request,
    entry_of,
    images_below,
)
from goodsam_pl.data.labels import LabelFormat
from goodsam_pl.data.listing import IMAGE_SUFFIXES
from goodsam_pl.data.text import read_lines

__all__ = ["images_by_name", "listed_entries", "listed_images", "named_image"]


def listed_entries(request: Request, label_format: LabelFormat | None) -> list[Entry]:
    """The layout ``plain``: ``images/``, ``labels/`` and ``splits/<split>.txt``.

    Args:
        request: what is to be listed.
        label_format: of the label files; ``None`` where there are none.

    Raises:
        FileNotFoundError: an image of the list is missing.
        MissingSplitError: there is no list.
        ValueError: a line of the list is of another form.
    """
    images = request.folder("images")
    listing = request.root / "splits" / f"{request.split}.txt"
    if not listing.is_file():
        raise MissingSplitError(
            f"{listing}: no such file: write one image name per line, relative to {images}"
        )
    labels = request.root / "labels"
    return [
        entry_of(
            images,
            image,
            labels / image.relative_to(images).with_suffix(".png") if label_format else None,
            label_format,
        )
        for image in listed_images(listing, images, request)
    ]


def listed_images(listing: Path, images: Path, request: Request) -> list[Path]:
    """The images that a list names, in its order, each once."""
    by_name = images_by_name(images)
    lines: dict[Path, int] = {}
    for number, line in read_lines(listing):
        where = f"{listing}, line {number}"
        try:
            image = named_image(line, by_name, images, where)
        except (FileNotFoundError, ValueError) as error:
            request.tell(error)
            continue
        if image in lines:
            told = f"{where}: {line!r} stands in line {lines[image]} already: remove one of them"
            request.tell(ValueError(told))
            continue
        lines[image] = number
    return list(lines)


def images_by_name(images: Path) -> dict[str, list[Path]]:
    """Images by their path below a folder, with and without suffix."""
    found: dict[str, list[Path]] = {}
    for image in images_below(images):
        relative = image.relative_to(images)
        for name in {relative.as_posix(), relative.with_suffix("").as_posix()}:
            found.setdefault(name, []).append(image)
    return found


def named_image(line: str, by_name: dict[str, list[Path]], images: Path, where: str) -> Path:
    """The image that a line of a list means.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a line of another form, or one that may mean several images.
    """
    name = line if line in by_name else line.replace("\\", "/").removeprefix("./")
    found = by_name.get(name, [])
    if len(found) == 1:
        return found[0]
    form = f"write one image name per line, relative to {images}"
    if found:
        several = " or ".join(sorted(image.name for image in found))
        raise ValueError(f"{where}: {line!r} may be {several}: write the suffix, too")
    first, *others = re.split(r"[\s,;]+", name)
    if others and (first in by_name or Path(first).suffix.lower() in IMAGE_SUFFIXES):
        raise ValueError(f"{where}: {line!r} has several columns: {form}; labels are found by name")
    if name.startswith((f"{images.name}/", "/")) or name[1:3] == ":/":
        raise ValueError(f"{where}: {line!r} does not begin below {images}: {form}")
    raise FileNotFoundError(f"{where}: {line!r} is not below {images}")
