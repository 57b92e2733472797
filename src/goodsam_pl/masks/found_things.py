"""Things with class, score and mask of each image, as ``goodsam label`` or a COCO file has them."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodsam_pl.files import content_key, read_regular
from goodsam_pl.files.result_names import file_name
from goodsam_pl.masks.coco_file import CocoFile, CocoImage
from goodsam_pl.masks.saved_mask import SavedMask, Size, as_size, mask_from_annotation

__all__ = ["FoundThings", "ImageThings", "Thing", "read_things"]

_WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Thing:
    """One thing of an image.

    Attributes:
        category: name of its class.
        score: in [0, 1].
        mask: of the whole image.
    """

    category: str
    score: float
    mask: SavedMask


@dataclass(frozen=True)
class ImageThings:
    """What was found in an image.

    Attributes:
        size: height and width of the image, pixels.
        things: in any order.
        image_sha256: of the file that was looked at; ``None`` where nobody has written it down.
        where: file, and place in it, for errors.
    """

    size: Size
    things: tuple[Thing, ...]
    image_sha256: str | None
    where: str


class FoundThings(ABC):
    """What was found in many images, asked for by their names.

    Attributes:
        root: where it lies.
        categories: names of all classes that things may be of.
    """

    root: Path
    categories: tuple[str, ...]

    @abstractmethod
    def knows(self, image: Path, name: str) -> bool:
        """Whether an image was looked at.

        Args:
            image: its file.
            name: its path below the images of its split, without suffix.
        """

    @abstractmethod
    def content(self, image: Path, name: str) -> str:
        """SHA-256 of all that is written down about an image, 64 hexadecimal digits.

        Raises:
            FileNotFoundError: nothing is.
        """

    @abstractmethod
    def of(self, image: Path, name: str) -> ImageThings:
        """The things of an image.

        Raises:
            FileNotFoundError: it was not looked at.
            ValueError: what is written down about it is damaged.
        """


def read_things(root: Path) -> FoundThings:
    """Open what words have found.

    Args:
        root: a folder of ``goodsam label``, or a COCO file with masks.

    Raises:
        FileNotFoundError: it does not exist.
        ValueError: it is neither.
    """
    if not root.exists():
        raise FileNotFoundError(
            f"{root}: there is nothing of that name; find things with `goodsam label IMAGES {root}`"
        )
    return _LabelFolder(root) if root.is_dir() else _Listed(root)


class _LabelFolder(FoundThings):
    """A folder of ``goodsam label``: a record an image below ``things``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        about = root / _ABOUT
        try:
            written = json.loads(read_regular(about))
            self.categories = tuple(written["identity"]["words"])
            self._fingerprint = str(written["fingerprint"])
        except (OSError, *_WRONG) as error:
            raise ValueError(
                f"{root} is no folder of `goodsam label` ({about.name} is missing or damaged: "
                f"{error}): name one, or a COCO file with masks"
            ) from error

    def knows(self, image: Path, name: str) -> bool:
        return self._record(image, name) is not None

    def content(self, image: Path, name: str) -> str:
        return content_key(self._known(image, name))

    def of(self, image: Path, name: str) -> ImageThings:
        path = self._known(image, name)
        try:
            record = json.loads(read_regular(path))
            size = as_size(*record["size"])
            things = tuple(_thing(each, each["class"], size) for each in record["things"])
            fingerprint, image_sha256 = str(record["fingerprint"]), str(record["sha256"])
        except _WRONG as error:
            raise ValueError(
                f"{path} is damaged ({error}): remove it, and run `goodsam label` again"
            ) from error
        if fingerprint != self._fingerprint:
            raise ValueError(
                f"{path} was made otherwise than {self.root / _ABOUT} says: run `goodsam label` "
                "again on the folder of all images"
            )
        return ImageThings(size, things, image_sha256, str(path))

    def _known(self, image: Path, name: str) -> Path:
        path = self._record(image, name)
        if path is None:
            raise FileNotFoundError(f"{self.root} has no things of {image}")
        return path

    def _record(self, image: Path, name: str) -> Path | None:
        """The record of an image; its folder of images may lie above that of the split."""
        above = image.parents[name.count("/") :]
        names = [name]
        for folder in above[:_FOLDERS_ABOVE]:
            names.append(f"{folder.name}/{names[-1]}")
        paths = (self.root / "things" / file_name(each, ".json") for each in names)
        return next((path for path in paths if path.is_file()), None)


_ABOUT = "labels.json"
_FOLDERS_ABOVE = 3
"""Between the images of a split and the folder that was labelled."""


class _Listed(FoundThings):
    """A COCO file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._file = CocoFile(root)
        self.categories = self._file.categories

    def knows(self, image: Path, name: str) -> bool:
        try:
            self._image(image, name)
        except FileNotFoundError:
            return False
        return True

    def content(self, image: Path, name: str) -> str:
        listed = self._image(image, name)
        told = [listed.size, [(each.category, each.score, each.raw) for each in listed.annotations]]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def of(self, image: Path, name: str) -> ImageThings:
        listed = self._image(image, name)
        things = []
        for each in listed.annotations:
            try:
                things.append(_thing({**each.raw, "score": each.score}, each.category, listed.size))
            except KeyError as error:
                raise ValueError(
                    f"{each.where}: it has no segmentation, only a box: let a SAM fill the boxes "
                    "with `goodsam label IMAGES OUT --proposer.boxes FILE`, and name OUT"
                ) from error
            except _WRONG as error:
                raise ValueError(f"{each.where}: {error}") from error
        return ImageThings(listed.size, tuple(things), None, f"{self.root}, {name}")

    def _image(self, image: Path, name: str) -> CocoImage:
        try:
            return self._file.image(f"{image.parent.as_posix()}/{name.rpartition('/')[2]}")
        except ValueError as error:
            raise FileNotFoundError(str(error)) from error


def _thing(raw: Mapping[str, Any], category: str, size: Size) -> Thing:
    """A thing whose mask is of its image.

    Raises:
        KeyError: it has no mask.
        ValueError: a mask of another size, or a score that is none.
    """
    score = float(raw["score"])
    if not 0 <= score <= 1:
        raise ValueError(f"score {score} is not in [0, 1]")
    mask = mask_from_annotation(raw, size)
    if mask.size != size:
        raise ValueError(f"a mask is of {mask.size}, its image of {size} pixels")
    return Thing(category, score, mask)
