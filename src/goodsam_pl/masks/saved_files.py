"""Reading masks that others saved: what ``SamAutomaticMaskGenerator`` returns, and COCO files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from goodsam_pl.files import open_regular, read_regular
from goodsam_pl.files.arrays import damage_told
from goodsam_pl.masks.saved_arrays import read_arrays
from goodsam_pl.masks.saved_mask import SavedMask, Size, as_size, mask_from_annotation

__all__ = ["SUFFIXES", "ImageNote", "Saved", "read_saved"]

SUFFIXES = (".json", ".npz")
"""Files that masks are read from, in lower case."""

_AS_SAVED = (
    "save what SamAutomaticMaskGenerator.generate returns, with json.dump or numpy.savez, or give "
    "a COCO file"
)
_KEY = re.compile("[0-9a-f]{64}")
_WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class ImageNote(NamedTuple):
    """What a file says of the image that its masks are of.

    Attributes:
        file_name: of the image.
        key: SHA-256 of the image file.
        size: its height and width, pixels.
    """

    file_name: str | None = None
    key: str | None = None
    size: Size | None = None


class Saved(NamedTuple):
    """The masks of one image.

    Attributes:
        masks: in the order of the file.
        image: what the file says of it.
    """

    masks: list[SavedMask]
    image: ImageNote


def read_saved(path: Path) -> list[Saved]:
    """Read the masks of a file, image by image.

    Args:
        path: JSON, a list of the generator's dictionaries, an object with such ``annotations`` and
            an ``image``, or COCO's with ``images`` that each annotation's ``image_id`` points to;
            or ``.npz`` with the arrays ``segmentation`` ``(M, h, w)`` and, if need be,
            ``predicted_iou``, ``stability_score`` and ``window`` ``(M,)``. Nothing is unpickled.

    Returns:
        One entry; for COCO one for each image that has annotations.

    Raises:
        ValueError: the file holds something else; the message says what and where.
    """
    try:
        if path.suffix.lower() == ".npz":
            open_regular(path).close()
            with damage_told():
                return [Saved(read_arrays(path), ImageNote())]
        content = json.loads(read_regular(path))
    except (*_WRONG, RecursionError) as error:
        raise ValueError(
            f"{path}: neither a list of masks nor an object with annotations ({_reason(error)}): "
            f"{_AS_SAVED}"
        ) from error
    annotations = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(annotations, list):
        raise ValueError(  # noqa: TRY004  # what a file holds, not what a caller gave
            f"{path}: neither a list of masks nor an object with annotations: {_AS_SAVED}"
        )
    if isinstance(content, dict) and content.get("images") is not None:
        return _of_data_set(path, content["images"], annotations)
    try:
        note = _note(content.get("image") or {}) if isinstance(content, dict) else ImageNote()
    except _WRONG as error:
        raise ValueError(f"{path}: `image` is not as in SA-1B: {error}") from error
    images = dict.fromkeys(each.get("image_id") for each in annotations if isinstance(each, dict))
    if len(images) > 1:
        named = ", ".join(map(str, list(images)[:5]))
        raise ValueError(
            f"{path}: masks of several images (image_id {named}), and no `images` that name their "
            "files: give the whole COCO file, or one file for each image"
        )
    return [Saved(_masks(path, enumerate(annotations), note.size), note)]


def _of_data_set(path: Path, images: Any, annotations: list[Any]) -> list[Saved]:
    """Deal the annotations of a COCO file out to its images."""
    if not isinstance(images, list):
        raise ValueError(f"{path}: `images` is no list")  # noqa: TRY004  # as above
    notes: dict[Any, ImageNote] = {}
    for index, image in enumerate(images):
        try:
            number, note = image["id"], _note(image)
            twice = number in notes
        except _WRONG as error:
            raise ValueError(
                f"{path}: images[{index}] is not as in COCO: {_reason(error)}"
            ) from error
        if note.file_name is None:
            raise ValueError(f"{path}: images[{index}] has no file_name")
        if twice:
            raise ValueError(f"{path}: the id {number!r} stands twice in `images`")
        notes[number] = note
    dealt: dict[Any, list[tuple[int, Any]]] = {}
    for index, annotation in enumerate(annotations):
        number = annotation.get("image_id") if isinstance(annotation, dict) else None
        try:
            known = number in notes
        except TypeError:
            known = False
        if not known:
            raise ValueError(
                f"{path}: annotations[{index}] has the image_id {number!r}, which is not in "
                "`images`"
            )
        dealt.setdefault(number, []).append((index, annotation))
    return [
        Saved(_masks(path, own, notes[number].size), notes[number]) for number, own in dealt.items()
    ]


def _note(image: Mapping[str, Any]) -> ImageNote:
    name, key = image.get("file_name"), image.get("sha256")
    for value in (name, key):
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{value!r} is no text")
        if value is not None:
            value.encode()  # half a sign of two parts cannot be written down
    if key is not None and _KEY.fullmatch(key) is None:
        raise ValueError(f"its sha256 is {key[:80]!r}, not 64 hexadecimal digits in lower case")
    sides = image.get("height"), image.get("width")
    return ImageNote(name or None, key, None if None in sides else as_size(*sides))


def _masks(path: Path, annotations: Any, image_size: Size | None) -> list[SavedMask]:
    masks = []
    index = None
    try:
        for index, annotation in annotations:  # noqa: B007  # told below
            masks.append(mask_from_annotation(annotation, image_size))
    except _WRONG as error:
        raise ValueError(
            f"{path}: mask {index} is not as SamAutomaticMaskGenerator or COCO has it: "
            f"{_reason(error)}"
        ) from error
    return masks


def _reason(error: BaseException) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
