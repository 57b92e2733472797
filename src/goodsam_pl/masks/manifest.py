"""What all masks of a store have in common, and how it tells itself from another store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from goodsam_pl.files import fingerprint_of, read_regular, write_errors_explained
from goodsam_pl.files.claims import claim
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.inventory import RECORDS, remove_rests
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.records import FORMAT

__all__ = ["MANIFEST", "Manifest", "MaskStoreError", "mask_write_errors", "place_manifest"]

MANIFEST = "store.json"
"""The file in the folder of a store."""


_MOST_PIXELS = 1 << 20
"""Of a side of a panorama; no file is read that is so large."""


class MaskStoreError(ValueError):
    """A store or a record that cannot be used; the message names the file and the way out."""


@dataclass(frozen=True)
class Manifest:
    """All that masks depend on, besides the image.

    Attributes:
        windows: the grid that the masks are of; with one window as large as the panorama they are
            of the whole panorama, and may go on across the seam.
        view: which part of the sphere the panoramas show, angles in degrees by name.
        proposer: what proposed them, see :meth:`goodsam_pl.masks.MaskProposer.describe`.
        logits: whether low-resolution logits are kept, where the proposer has any.
    """

    windows: WindowGrid
    view: Mapping[str, float]
    proposer: Description
    logits: bool = True

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything here and of the format; records carry it."""
        return fingerprint_of(self._content())

    def to_bytes(self) -> bytes:
        """What :meth:`read` reads."""
        content = {**self._content(), "fingerprint": self.fingerprint}
        return (json.dumps(content, indent=2) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read the file.

        Raises:
            MaskStoreError: it is damaged or of another format.
        """
        try:
            content = json.loads(read_regular(path))
            written = content["format"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise MaskStoreError(
                f"{path} is damaged ({error}): delete the folder to compute the masks anew"
            ) from error
        if written != FORMAT:
            raise MaskStoreError(
                f"{path} is in format {written}, this version reads {FORMAT}: name another folder "
                "for the masks, or delete this one to compute them anew"
            )
        try:
            windows = _windows(content["windows"])
            manifest = cls(windows, content["view"], content["proposer"], content["logits"])
            as_written = content["fingerprint"] == manifest.fingerprint
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise MaskStoreError(
                f"{path} is incomplete or damaged ({error}): delete the folder to compute the "
                "masks anew"
            ) from error
        if not as_written:
            raise MaskStoreError(
                f"{path} was changed by hand, its fingerprint is another one: undo the change, or "
                "delete the folder to compute the masks anew"
            )
        return manifest

    def differences(self, asked: Manifest) -> list[str]:
        """What differs from the manifest that is asked for, by name."""
        there, here = self._content(), asked._content()
        parts = [(there[part], here[part]) for part in ("windows", "view", "proposer")]
        parts.append(({"logits": there["logits"]}, {"logits": here["logits"]}))
        return [
            f"{name} is {old.get(name)} there and {new.get(name)} here"
            for old, new in parts
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        ]

    def _content(self) -> dict[str, Any]:
        """As JSON has it: lists for tuples, angles always with a decimal point."""
        windows = {name: list(sides) for name, sides in self.windows._asdict().items()}
        view = {name: float(angle) for name, angle in self.view.items()}
        return {
            "format": FORMAT,
            "windows": windows,
            "view": view,
            "proposer": dict(self.proposer),
            "logits": self.logits,
        }


def place_manifest(root: Path, manifest: Manifest) -> None:
    """Write the manifest of a store, unless it is there; a store without records is made anew.

    Raises:
        MaskStoreError: the folder holds other masks, is only read, or the disk is full.
    """
    path = root / MANIFEST
    if _is_to_be_written(root, manifest):  # else the folder may be one that is only read
        with mask_write_errors(root), claim(path, wait=True) as claimed:
            if claimed is not None and _is_to_be_written(root, manifest):
                claimed.write(manifest.to_bytes())
    differences = Manifest.read(path).differences(manifest)
    if differences:
        raise MaskStoreError(
            f"{path} is of other masks: {'; '.join(differences)}. "
            "Name another folder for the masks, or delete this one if it is no longer needed"
        )


def mask_write_errors(root: Path) -> AbstractContextManager[None]:
    """Say what to do about a full disk, or a store that is only read."""
    return write_errors_explained(root, MaskStoreError, "name another folder (mask_root)")


def _is_to_be_written(root: Path, manifest: Manifest) -> bool:
    """Whether there is no store, or one of other masks that holds none and is not about to."""
    if not (root / MANIFEST).is_file():
        return True
    try:
        if not Manifest.read(root / MANIFEST).differences(manifest):
            return False
    except MaskStoreError:  # damaged, or of another format
        pass
    remove_rests(root)
    return not any(path.is_file() for path in (root / RECORDS).rglob("*"))


def _windows(content: Mapping[str, Any]) -> WindowGrid:
    """A grid out of a file.

    Raises:
        KeyError: an entry is missing.
        TypeError: an entry is no list.
        ValueError: it is none that our grids are.
    """
    grid = WindowGrid(
        image_size=_sides(content["image_size"], "image_size"),
        window_size=_sides(content["window_size"], "window_size"),
        stride=_sides(content["stride"], "stride"),
        rows=_pixels(content["rows"], "rows", 0),
        columns=_pixels(content["columns"], "columns", 0),
    )
    outside = max(grid.rows, default=0) >= grid.image_size[0] or (
        max(grid.columns, default=0) >= grid.image_size[1]
    )
    larger = any(
        window > image for window, image in zip(grid.window_size, grid.image_size, strict=True)
    )
    if not grid.rows or not grid.columns or outside or larger or len(content) != len(grid):
        raise ValueError("windows do not lie on the panorama")
    return grid


def _sides(values: Any, name: str) -> tuple[int, int]:
    sides = _pixels(values, name, 1)
    if len(sides) != 2:
        raise ValueError(f"{name} is no height and width")
    return sides[0], sides[1]


def _pixels(values: Any, name: str, least: int) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{name} is no list")
    # type() and not isinstance(): bool is a kind of int
    if not all(type(each) is int and least <= each <= _MOST_PIXELS for each in values):
        raise ValueError(f"{name} are no numbers of pixels")
    return tuple(values)
