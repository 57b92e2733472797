"""What words have found in panoramas, as the fusion hears it: the evidence of each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.data.band import Band
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.files import ContentKeys
from goodsam_pl.masks.found_things import FoundThings, ImageThings, read_things
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["StoredWords", "word_contents"]

_STEPS = 255
"""Evidence is kept in bytes."""


class StoredWords:
    """What words have found in a list of panoramas.

    The evidence of a class is the highest score of its masks at a pixel, 0 without any and a step
    above it at the least with one. Masks are brought to the size of the panoramas by the nearest
    pixel, as labels are.

    Args:
        root: a folder of ``goodsam label``, or a COCO file with masks.
        entries: panoramas that will be asked for.
        panorama_format: size and fields of view of the panoramas.
        taxonomy: K classes of the networks.
        keys: of files, by their content.

    Raises:
        FileNotFoundError: there is nothing at the root, or nothing of a panorama.
        ValueError: it is of another form, or of classes that the taxonomy has not.
    """

    def __init__(
        self,
        root: Path,
        entries: Sequence[Entry],
        panorama_format: PanoramaFormat,
        taxonomy: Taxonomy,
        keys: ContentKeys,
    ) -> None:
        self._found = _open(root, entries)
        others = [each for each in self._found.categories if each not in taxonomy.classes]
        if others:
            raise ValueError(
                f"{root} holds things of the class {others[0]!r} and {len(others) - 1} more that "
                f"{taxonomy.name} has not: label with its classes (`goodsam label --classes`), or "
                "name another words_root"
            )
        self._entries = entries
        self._format = panorama_format
        self._taxonomy = taxonomy
        self._keys = keys

    def __getitem__(self, index: int) -> Tensor:
        """Evidence of one panorama, uint8 ``(K, H, W)``, in steps of 1 / 255.

        Raises:
            ValueError: what was found is damaged, or of another image or size.
        """
        entry = self._entries[index]
        found = self._found.of(entry.image, entry.name)
        rows, columns = self._format.mask_places(found.size, self._band(entry, found))
        evidence = np.zeros((len(self._taxonomy.classes), *self._format.size), np.uint8)
        for thing in found.things:
            strength = max(1, round(_STEPS * thing.score))  # 0 is no mask
            plane = evidence[self._taxonomy.index(thing.category)]
            try:
                shown = thing.mask.sample(rows, columns)
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"{found.where}: a mask is damaged: {error}") from error
            np.maximum(plane, np.uint8(strength), out=plane, where=shown)
        return torch.from_numpy(evidence)

    def _band(self, entry: Entry, found: ImageThings) -> Band:
        """Where the panorama lies in its file, of which the things must be."""
        band = self._format.locate(entry.image)
        if found.size != band.file_size:
            raise ValueError(
                f"{found.where} is of an image of {_size(found.size)} pixels, {entry.image} has "
                f"{_size(band.file_size)}: label the panoramas as they are, or name another "
                "words_root"
            )
        if found.image_sha256 not in (None, self._keys(entry.image)):
            raise ValueError(
                f"{found.where} is of another image than {entry.image}, or that has changed: run "
                "`goodsam label` again, or name another words_root"
            )
        return band


def word_contents(root: Path, entries: Sequence[Entry]) -> dict[Path, str]:
    """SHA-256 of what is written down about each panorama, by its file.

    Raises:
        FileNotFoundError: as of :class:`StoredWords`.
        ValueError: likewise.
    """
    found = _open(root, entries)
    return {entry.image: found.content(entry.image, entry.name) for entry in entries}


def _open(root: Path, entries: Sequence[Entry]) -> FoundThings:
    found = read_things(root)
    missing = [each.image for each in entries if not found.knows(each.image, each.name)]
    if missing:
        raise FileNotFoundError(
            f"{root} has no things of {missing[0]} and {len(missing) - 1} more of {len(entries)} "
            f"panoramas: run `goodsam label` on the folder of all of them, or name another "
            "words_root"
        )
    return found


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
