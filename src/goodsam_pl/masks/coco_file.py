"""Boxes and masks with a class, as COCO has them, image by image.

Label Studio and CVAT export this form, and so does ``goodsam streetworld --boxes true``.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.files import read_regular
from goodsam_pl.masks.saved_mask import SavedMask, as_size, mask_from_annotation

__all__ = ["Annotation", "CocoFile", "CocoImage"]

log = logging.getLogger(__name__)

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio puts eight digits before the name of a file that was uploaded to it."""

_WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Annotation:
    """One thing.

    Attributes:
        category: name of its class.
        box: left, top, right, bottom, pixels of the file's image; right may lie beyond the seam.
        score: 1 where the file has none.
        where: file and place, for errors.
        raw: as the file has it.
    """

    category: str
    box: tuple[float, float, float, float]
    score: float
    where: str
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class CocoImage:
    """The things of one image.

    Attributes:
        size: height and width, pixels.
        annotations: in the order of the file.
    """

    size: tuple[int, int]
    annotations: tuple[Annotation, ...]

    def mask(self, annotation: Annotation, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The mask of a thing, ``(H, W)``, brought to another size by the nearest pixels.

        Raises:
            ValueError: the file has none, or of another size than the image, or a damaged one.
        """
        try:
            saved: SavedMask = mask_from_annotation(annotation.raw, self.size)
            if saved.size != self.size:
                raise ValueError(f"it is of {saved.size}, its image of {self.size} pixels")
            taken = [
                ((np.arange(count) + 0.5) * side / count).astype(np.int64)
                for count, side in zip(size, self.size, strict=True)
            ]
            return saved.sample(*taken)
        except KeyError as error:
            raise ValueError(
                f"{annotation.where}: it has no segmentation, only a box: ask a SAM about boxes "
                "(goodsam_pl.sam.GivenBoxes)"
            ) from error
        except _WRONG as error:
            raise ValueError(f"{annotation.where}: {error}") from error


class CocoFile:
    """The images of a COCO file, found by their names.

    Args:
        path: the file, or a folder with several.

    Attributes:
        categories: names of the classes, in the order of their ids.

    Raises:
        FileNotFoundError: there is no such file, or none in the folder.
        ValueError: it is of another form; the message says where.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: no such file; give a COCO file with boxes, or a folder of them"
            )
        paths = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        if not paths:
            raise FileNotFoundError(f"{path}: no COCO file (.json) in this folder")
        self.path = path
        self.paths = tuple(paths)
        self._images: dict[tuple[str, ...], CocoImage] = {}
        named: dict[str, None] = {}
        for each in paths:
            named.update(dict.fromkeys(self._read(each)))
        self.categories = tuple(named)
        self._by_last: dict[str, list[tuple[str, ...]]] = {}
        for name in self._images:
            self._by_last.setdefault(name[-1], []).append(name)

    @property
    def images(self) -> dict[str, CocoImage]:
        """All images, by the path of their file without suffix."""
        return {"/".join(parts): image for parts, image in self._images.items()}

    def image(self, name: str) -> CocoImage:
        """What there is of an image.

        Args:
            name: of its file, with or without folders, without suffix. Folders count as far as both
                sides name them.

        Raises:
            ValueError: there is none of that name, or there are several.
        """
        parts = _parts(name)
        found = [
            each
            for each in self._by_last.get(parts[-1], [])
            if all(one == other for one, other in zip(parts[::-1], each[::-1], strict=False))
        ]
        if len(found) == 1:
            return self._images[found[0]]
        if found:
            raise ValueError(f"{self.path}: {len(found)} of its images may be {name!r}")
        some = ", ".join("/".join(each) for each in list(self._images)[:3])
        raise ValueError(
            f"{self.path} has no image {name!r}; it has {len(self._images)}, such as {some}"
        )

    def _read(self, path: Path) -> list[str]:
        """Take the images of a file over; its categories."""
        try:
            content = json.loads(read_regular(path))
            images, things = content["images"], content.get("annotations")
            categories = {each["id"]: each["name"] for each in content["categories"]}
            if not all(isinstance(name, str) for name in categories.values()):
                raise TypeError("a category's name is no text")
            if len(categories) < len(content["categories"]):
                raise ValueError("an id stands twice in `categories`")
            sizes = {each["id"]: as_size(each["height"], each["width"]) for each in images}
            names = {each["id"]: _file_parts(each["file_name"]) for each in images}
        except (*_WRONG, RecursionError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(
                f"{path} is no COCO file with `images`, `annotations` and `categories` ({reason}): "
                "export as COCO"
            ) from error
        if not isinstance(things, list):
            raise ValueError(f"{path}: `annotations` is no list")  # noqa: TRY004  # of a file
        dealt: dict[Any, list[Annotation]] = {number: [] for number in names}
        for index, raw in enumerate(things):
            number, thing = _annotation(raw, categories, f"{path}: annotations[{index}]")
            if number not in dealt:
                raise ValueError(f"{thing.where}: image_id {number!r} is not in `images`")
            dealt[number].append(thing)
        for number, parts in names.items():
            if parts in self._images:
                raise ValueError(f"{path}: {'/'.join(parts)} is there twice among the images")
            self._images[parts] = CocoImage(sizes[number], tuple(dealt[number]))
        return [categories[number] for number in sorted(categories, key=_in_order)]


def _in_order(number: Any) -> tuple[bool, float, str]:
    """Numbers by their size, and behind them what is none."""
    is_number = isinstance(number, int | float)
    return not is_number, number if is_number else 0, str(number)


def _annotation(
    raw: Any, categories: Mapping[Any, str], where: str
) -> tuple[int | str, Annotation]:
    try:
        number, category = raw["image_id"], raw["category_id"]
        hash((number, category))  # a list is no id
        left, top, width, height = (float(value) for value in raw["bbox"])
        score = float(raw.get("score", 1.0))
    except _WRONG as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{where} is not as in COCO: {reason}") from error
    if category not in categories:
        known = ", ".join(f"{key} {name}" for key, name in list(categories.items())[:5])
        raise ValueError(
            f"{where}: category_id {category!r} is not in `categories`, which has {known}"
        )
    if not np.isfinite([left, top, width, height]).all() or width < 0 or height < 0:
        raise ValueError(f"{where}: bbox {raw['bbox']} is no left, top, width and height")
    if not 0 <= score <= 1:
        raise ValueError(f"{where}: score {score} is not in [0, 1]")
    box = (left, top, left + width, top + height)
    return number, Annotation(categories[category], box, score, where, raw)


def _file_parts(name: str) -> tuple[str, ...]:
    parts = _parts(name)
    last = PurePosixPath(parts[-1])
    stem = last.stem if last.suffix else last.name
    uploaded = _UPLOADED.fullmatch(stem)
    return (*parts[:-1], uploaded[1] if uploaded else stem)


def _parts(name: str) -> tuple[str, ...]:
    parts = tuple(
        part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")
    )
    if not parts:
        raise ValueError(f"{name!r} names no file")
    return parts
