"""Which classes an image has, without where: of COCO's annotations, or of VOC's.

VOC writes one XML file an image, ``Annotations/<name>.xml``, in which every thing is an ``object``
with a ``name``; parts of people have names as well, one level further down.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Protocol
from xml.parsers import expat

from goodsam_pl.files import content_key, read_regular
from goodsam_pl.files.fingerprint import fingerprint_of
from goodsam_pl.masks.coco_file import CocoFile

__all__ = ["ImageLabels", "VocAnnotations", "plain_word", "read_image_labels"]

_NAME = ["annotation", "object", "name"]
_LARGEST = 1 << 20
"""Bytes of a file; VOC's have a few thousand."""


class ImageLabels(Protocol):
    """Somebody who knows which classes are in an image."""

    def classes(self, name: str) -> frozenset[str]:
        """Names of the classes, each as :func:`plain_word` has it.

        Args:
            name: of the image's file, without suffix.

        Raises:
            ValueError: nothing is known of the image.
        """
        ...

    def describe(self) -> dict[str, str]:
        """What it knows, as plain values."""
        ...


def plain_word(text: str) -> str:
    """A class name without what data sets write differently: ``TV monitor`` is ``tvmonitor``."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def read_image_labels(path: Path) -> ImageLabels:
    """Whoever a path names: a folder with XML files is VOC's, anything else COCO's.

    Raises:
        FileNotFoundError: there is nothing.
        ValueError: as of :class:`goodsam_pl.masks.coco_file.CocoFile`.
    """
    if path.is_dir() and next(path.glob("*.xml"), None) is not None:
        return VocAnnotations(path)
    return _CocoLabels(path)


class VocAnnotations:
    """VOC's folder ``Annotations``.

    Args:
        folder: with a file ``<name>.xml`` for each image.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def classes(self, name: str) -> frozenset[str]:
        """As of :class:`ImageLabels`; the names of folders do not count.

        Raises:
            ValueError: there is no file of the image, or it is not VOC's.
        """
        path = self.folder / f"{PurePosixPath(name).name}.xml"
        try:
            content = read_regular(path)
        except FileNotFoundError as error:
            raise ValueError(f"{path}: no such file, so that nobody says what is there") from error
        return frozenset(map(plain_word, _object_names(content, path)))

    def describe(self) -> dict[str, str]:
        """The files' names and what is in them, as one number."""
        files = {path.name: content_key(path) for path in sorted(self.folder.glob("*.xml"))}
        return {self.folder.name: fingerprint_of(files)}


class _CocoLabels:
    def __init__(self, path: Path) -> None:
        self._file = CocoFile(path)

    def classes(self, name: str) -> frozenset[str]:
        annotations = self._file.image(name).annotations
        return frozenset(plain_word(each.category) for each in annotations)

    def describe(self) -> dict[str, str]:
        return {path.name: content_key(path) for path in self._file.paths}


def _object_names(content: bytes, path: Path) -> list[str]:
    """Names of the objects, out of a file that may be anybody's: nothing in it is expanded."""
    if len(content) > _LARGEST:
        raise ValueError(f"{path}: {len(content)} bytes are no annotation of VOC's")
    place: list[str] = []
    names: list[str] = []

    def begin(tag: str, _: object) -> None:
        place.append(tag)
        if place == _NAME:
            names.append("")

    def read(text: str) -> None:
        if place == _NAME:
            names[-1] += text

    def refuse(*_: object) -> None:
        raise ValueError(f"{path}: has a document type, which VOC's files have not: remove it")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: place.pop()
    parser.CharacterDataHandler = read
    parser.StartDoctypeDeclHandler = refuse  # where entities would be declared
    try:
        parser.Parse(content, True)  # the argument has no name
    except expat.ExpatError as error:
        raise ValueError(f"{path}: no XML ({error})") from error
    if not all(name.strip() for name in names):
        raise ValueError(f"{path}: an object has no name")
    return names
