"""What somebody has said is there: a COCO file, asked about images and classes."""

from __future__ import annotations

import logging
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.files import content_key, fingerprint_of
from goodsam_pl.masks.coco_file import Annotation, CocoFile, CocoImage
from goodsam_pl.masks.concepts import Concept, ConceptWindows

__all__ = ["GivenFile", "GivenThing"]

log = logging.getLogger(__name__)


class GivenThing(NamedTuple):
    """A thing, and the place of its class among the concepts."""

    annotation: Annotation
    concept: int


class GivenFile:
    """A COCO file, or a folder of them, read when it is first asked.

    Args:
        path: the file or folder; a tilde stands for the user's own.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()

    @cached_property
    def file(self) -> CocoFile:
        """What it holds.

        Raises:
            FileNotFoundError: it is not there.
            ValueError: it is of another form.
        """
        return CocoFile(self.path)

    @cached_property
    def sha256(self) -> str:
        """Of the file; of a folder, of its files by their names."""
        paths = self.file.paths
        if not self.path.is_dir():
            return content_key(paths[0])
        return fingerprint_of(
            {path.relative_to(self.path).as_posix(): content_key(path) for path in paths}
        )

    def of(
        self, windows: ConceptWindows, concepts: tuple[Concept, ...]
    ) -> tuple[CocoImage, list[GivenThing]]:
        """The things of an image whose classes are asked for; those outside of it are told of.

        Raises:
            FileNotFoundError: there is no file.
            ValueError: it is not as it should be, has no such image, or none of the classes.
        """
        places = self._places(concepts)
        image = self.file.image(windows.image)
        asked = [thing for thing in image.annotations if thing.category in places]
        there = [thing for thing in asked if _is_inside(thing, image.size)]
        if len(there) < len(asked):
            lost = Counter(thing.category for thing in asked if thing not in there)
            told = ", ".join(f"{count} {name}" for name, count in lost.items())
            log.warning("%s: boxes outside of %s are left out: %s", self.path, windows.image, told)
        return image, [GivenThing(thing, places[thing.category]) for thing in there]

    def _places(self, concepts: tuple[Concept, ...]) -> dict[str, int]:
        """The concept that each category of the file means, by a name or a phrase of it."""
        meant = {
            phrase.casefold(): place
            for place, concept in enumerate(concepts)
            for phrase in (*concept.phrases, concept.name)
        }
        places = {
            name: meant[name.casefold()]
            for name in self.file.categories
            if name.casefold() in meant
        }
        if not places:
            raise ValueError(
                f"{self.path}: none of its categories ({', '.join(self.file.categories[:10])}) is "
                f"among the classes ({', '.join(each.name for each in concepts[:10])}): name them "
                "alike, or give a class the category as a phrase"
            )
        return places


def _is_inside(thing: Annotation, size: tuple[int, int]) -> bool:
    left, top, right, bottom = thing.box
    return right > max(left, 0) and bottom > max(top, 0) and left < size[1] and top < size[0]
