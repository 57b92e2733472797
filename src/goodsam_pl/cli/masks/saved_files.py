"""Which files hold the masks of which image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.data.layouts import Entry
from goodsam_pl.sam import image_key
from goodsam_pl.sam.exchange import SUFFIXES, SavedMask, read_saved

__all__ = ["SavedFile", "SavedGroup", "group_by_image"]


class SavedFile(NamedTuple):
    """A file, and the window that it is of if its name says one."""

    path: Path
    window: int | None


@dataclass(frozen=True)
class SavedGroup:
    """The files of one panorama.

    Attributes:
        files: at least one.
        image: that they are named after; ``None`` where there is none.
    """

    files: list[SavedFile]
    image: Path | None

    @property
    def name(self) -> str:
        """Of the image, as far as it is known."""
        return self.files[0].path.stem if self.image is None else self.image.name

    def read(self) -> tuple[str, list[SavedMask]]:
        """The key of the image and its masks.

        Raises:
            ValueError: a file is damaged, or it is not known what image it belongs to.
        """
        saved = [(file, read_saved(file.path)) for file in self.files]
        keys = {content.key for _, content in saved if content.key is not None}
        if self.image is not None:
            keys.add(image_key(self.image))
        if len(keys) != 1:
            what = "two images" if keys else "no image that is known"
            raise ValueError(
                f"{self.files[0].path}: masks of {what}: name the file as its image, and say by "
                "--images where the images are"
            )
        return keys.pop(), [
            mask if file.window is None else mask._replace(window=file.window)
            for file, content in saved
            for mask in content.masks
        ]


def group_by_image(folder: Path, images: Sequence[Entry]) -> list[SavedGroup]:
    """Find the files of masks below a folder: ``NAME.json``, or ``NAME/<window>.json``.

    Args:
        folder: of the files.
        images: that NAME may be; with or without the folders that they are in.

    Raises:
        ValueError: there is no such file.
    """
    by_name = {entry.name: entry.image for entry in images}
    last = Counter(name.rpartition("/")[2] for name in by_name)
    by_name |= {entry.image.stem: entry.image for entry in images if last[entry.image.stem] == 1}
    groups: dict[str, SavedGroup] = {}
    for path in sorted(each for each in folder.rglob("*") if each.suffix in SUFFIXES):
        name, window = path.relative_to(folder).with_suffix(""), None
        if name.as_posix() not in by_name and name.name.isdigit() and name.parent.name:
            name, window = name.parent, int(name.name)
        image = by_name.get(name.as_posix())
        group = groups.setdefault(name.as_posix(), SavedGroup([], image))
        group.files.append(SavedFile(path, window))
    if not groups:
        raise ValueError(f"{folder}: no {' or '.join(SUFFIXES)} file below it")
    return list(groups.values())
