"""Masks on disk: one file per panorama, found by the content of the image.

A store is a folder::

    store.json                       what the masks are of: format, windows, view, proposer
    records/3f/3f27…d1.masks         masks of the image file whose SHA-256 is 3f27…d1
    keys.tsv, whole.tsv              of image files and of records, what need not be read again

A record is put in its place when all of it is on disk, so that at any moment each of them is whole
or not there; several processes may write at once.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from torch import Tensor

from goodsam_pl.files import (
    ContentKeys,
    KnownFiles,
    Stamp,
    content_key,
    open_regular,
)
from goodsam_pl.files.claims import Claim, claim, holder
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.container import read_header
from goodsam_pl.masks.index_map import IndexMap
from goodsam_pl.masks.inventory import (
    RECORDS,
    find_records,
    is_key,
)
from goodsam_pl.masks.manifest import (
    MANIFEST,
    Manifest,
    MaskStoreError,
    mask_write_errors,
    place_manifest,
)
from goodsam_pl.masks.proposer import MaskProposer
from goodsam_pl.masks.records import FORMAT, decode_index_map, decode_masks, encode_masks
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["MaskStore", "MaskStoreError", "image_key"]

_WHOLE = "whole.tsv"
_DAMAGE = (
    *(ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, EOFError),
    *(RecursionError, MemoryError, zlib.error),
)
Decoded = TypeVar("Decoded")


def image_key(path: Path) -> str:
    """SHA-256 of an image file's bytes, 64 hexadecimal digits: the key of its masks."""
    return content_key(path)


class MaskStore:
    """Masks of many panoramas, made with the same windows by the same proposer.

    Use :meth:`create` or :meth:`open`.

    Args:
        root: its folder.
        manifest: what its masks have in common.
    """

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self.root = root
        self.manifest = manifest

    @classmethod
    def create(
        cls,
        root: Path,
        windows: WindowGrid,
        proposer: MaskProposer,
        view: Mapping[str, float] | None = None,
        *,
        logits: bool = True,
    ) -> MaskStore:
        """Open the store of a folder, or make an empty one; one that is empty is made anew.

        Args:
            root: its folder.
            windows: the grid that masks will be of; one window as large as the panorama makes a
                store of masks of whole panoramas.
            proposer: what will propose them.
            view: which part of the sphere the panoramas show, angles in degrees by name: two views
                of one file have masks of their own.
            logits: keep low-resolution logits, where the proposer has any. They take up most of the
                room, and training does not read them.

        Raises:
            MaskStoreError: the folder holds masks of other windows or another proposer; the
                message says what differs.
        """
        return cls.of(root, Manifest(windows, view or {}, proposer.describe(), logits))

    @classmethod
    def of(cls, root: Path, manifest: Manifest) -> MaskStore:
        """As :meth:`create`, for masks that no proposer of ours makes."""
        place_manifest(root, manifest)
        return cls(root, manifest)

    @classmethod
    def open(cls, root: Path) -> MaskStore:
        """Open the store of a folder.

        Raises:
            FileNotFoundError: the folder holds none.
            MaskStoreError: its ``store.json`` is damaged or of another format.
        """
        path = root / MANIFEST
        if not path.is_file():
            raise FileNotFoundError(
                f"no masks at {root}: put the callback PrecomputeSAM into trainer.callbacks, "
                "run `goodsam masks compute`, or correct the path (mask_root)"
            )
        return cls(root, Manifest.read(path))

    @staticmethod
    def is_at(root: Path) -> bool:
        """Whether a folder holds a store."""
        return (root / MANIFEST).is_file()

    @property
    def windows(self) -> WindowGrid:
        """The grid that the masks are of."""
        return self.manifest.windows

    @property
    def view(self) -> dict[str, float]:
        """Which part of the sphere the panoramas show, angles in degrees by name."""
        return dict(self.manifest.view)

    @property
    def fingerprint(self) -> str:
        """A hash of all that the masks depend on, besides the image."""
        return self.manifest.fingerprint

    @cached_property
    def keys(self) -> ContentKeys:
        """:func:`image_key` of image files, each read once."""
        return ContentKeys(self.root)

    @property
    def whole(self) -> bool:
        """Whether the masks are of whole panoramas, instead of windows."""
        return self.windows.window_size == self.windows.image_size and self.windows.count == 1

    def path(self, key: str) -> Path:
        """The file of a record, whether it is there or not."""
        return Path(self._place(key))

    def __contains__(self, key: str) -> bool:
        return os.path.isfile(self._place(key))  # noqa: PTH113  # see _place

    def __iter__(self) -> Iterator[str]:
        return find_records(self.root)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @contextmanager
    def claim(self, key: str, *, wait: bool = False) -> Iterator[Claim | None]:
        """Claim the right to write a record, so that no other process makes the same masks.

        Args:
            key: :func:`image_key` of the image file.
            wait: wait while another process holds the claim, instead of giving up.

        Yields:
            What :meth:`write` takes; ``None`` if another process holds it. Look again then whether
            the record is there.

        Raises:
            MaskStoreError: the disk is full, or the store is only read.
        """
        with ExitStack() as stack:
            with mask_write_errors(self.root):
                granted = stack.enter_context(claim(self.path(key), wait=wait))
            yield granted

    def holder(self, key: str) -> str:
        """Who holds the claim of a record, for people."""
        return holder(self.path(key))

    def write(
        self, key: str, name: str, masks: Sequence[WindowMasks], claimed: Claim | None = None
    ) -> None:
        """Store the masks of a panorama; an earlier record of it is replaced.

        Binary masks and scores are kept exactly, logits in steps of 1/2 from -2.5 to 2.5.

        Args:
            key: :func:`image_key` of the image file.
            name: of the image, for people who look into the store.
            masks: one set for each window, in the grid's order.
            claimed: from :meth:`claim`; ``None`` waits for it.

        Raises:
            ValueError: not as many sets as windows, or of another size.
            MaskStoreError: the disk is full, or the store is only read.
        """
        sizes = {window.size for window in masks}
        if len(masks) != self.windows.count or sizes != {self.windows.window_size}:
            raise ValueError(
                f"{name}: {len(masks)} windows of {sorted(sizes)}, the store has "
                f"{self.windows.count} of {self.windows.window_size}"
            )
        content = encode_masks(masks, self._header(key) | {"name": name}, self.manifest.logits)
        with ExitStack() as stack:
            stack.enter_context(mask_write_errors(self.root))
            claimed = claimed or stack.enter_context(self.claim(key, wait=True))
            if claimed is not None:  # which it is, having been waited for
                claimed.write(content)
        path = self.path(key)
        self._whole_records.remember(path, Stamp.of(path), self.fingerprint)

    def read(self, key: str) -> list[WindowMasks]:
        """All that is known of a panorama's masks, one set for each window.

        Raises:
            KeyError: there is no record of it.
            MaskStoreError: the record is damaged or does not belong here.
        """
        return self._decode(key, lambda stream: decode_masks(stream.read(), self._header(key)))

    def index_map(self, key: str) -> IndexMap:
        """Which masks each pixel of a panorama lies in; quick, logits are not touched.

        Raises:
            KeyError: there is no record of it.
            MaskStoreError: the record is damaged or does not belong here.
        """
        return self._decode(key, lambda stream: decode_index_map(stream, self._header(key)))

    def layers(self, key: str, windows: WindowGrid | None = None) -> Tensor:
        """The masks of a panorama as layers of disjoint masks; quick, logits are not touched.

        Args:
            key: :func:`image_key` of the image file.
            windows: cut masks of whole panoramas into the windows of this grid.

        Returns:
            ``(N, L, h, w)`` int16, see :func:`goodsam_pl.masks.mask_layers`; padded with -1 to the
            largest ``L`` of the panorama's windows, at least 1.

        Raises:
            KeyError: there is no record of it.
            MaskStoreError: the record is damaged or does not belong here.
        """
        index_map = self.index_map(key)
        if windows is None or windows == self.windows:
            return index_map.layers(least=1)
        return index_map.cut(windows)

    def describe(self, key: str) -> dict[str, Any]:
        """The header of a record: the image's ``name``, the number of ``masks`` by window, ….

        Raises:
            KeyError: there is no record of it.
            MaskStoreError: the header is damaged.
        """
        return self._decode(key, read_header)

    def damage(self, key: str) -> MaskStoreError | None:
        """What is wrong with a record, down to the last byte; ``None`` if nothing is.

        Raises:
            KeyError: there is no record of it.
        """
        try:
            self.read(key)
        except MaskStoreError as error:
            return error
        return None

    def check(self, key: str) -> MaskStoreError | None:
        """As :meth:`damage`; a record that is whole is remembered as such.

        Raises:
            KeyError: there is no record of it.
        """
        try:
            before = Stamp.of(self._place(key))
        except OSError:
            return self.damage(key)
        damage = self.damage(key)
        if damage is None:
            self._whole_records.remember(self.path(key), before, self.fingerprint)
        return damage

    def known_damage(self, key: str) -> MaskStoreError | None:
        """As :meth:`check`, without reading a record that was found whole and has not changed.

        Raises:
            KeyError: there is no record of it.
        """
        try:
            if self._whole_records.get(self._place(key)) == self.fingerprint:
                return None
        except OSError:
            return self.damage(key)
        return self.check(key)

    def save_known(self) -> None:
        """Write down keys of images and whole records, so that the next start reads neither."""
        self.keys.save()
        self._whole_records.save()

    def save_known_at_times(self) -> None:
        """As :meth:`save_known`, if that was long ago: what a kill loses is read again."""
        self.keys.known.save_at_times()
        self._whole_records.save_at_times()

    @cached_property
    def _whole_records(self) -> KnownFiles:
        return KnownFiles.at(self.root / _WHOLE)

    def gone(self) -> list[Path]:
        """Places of records that were whole once and are no more there, as far as is known."""
        known = self._whole_records.below(self.root / RECORDS)
        keys = [path.stem for path, text in known.items() if text == self.fingerprint]
        return [
            self.path(key) for key in keys if is_key(key) and not os.path.lexists(self._place(key))
        ]

    def _place(self, key: str) -> str:
        """As :meth:`path`; pathlib takes seconds for a hundred thousand.

        Raises:
            ValueError: what is no key, such as a path, is none of ours.
        """
        if not is_key(key):
            raise ValueError(f"{key!r} is no key of an image: 64 hexadecimal digits in lower case")
        return f"{self._records}{os.sep}{key[:2]}{os.sep}{key}.masks"

    @cached_property
    def _records(self) -> str:
        return str(self.root / RECORDS)

    def _decode(self, key: str, decode: Callable[[BinaryIO], Decoded]) -> Decoded:
        path = self.path(key)
        try:
            with open_regular(path) as stream:
                return decode(stream)
        except FileNotFoundError:
            raise KeyError(f"{self.root} has no masks of the image {key}") from None
        except (*_DAMAGE, OSError) as error:
            raise MaskStoreError(
                f"{path} cannot be used ({error}): `goodsam masks compute` and PrecomputeSAM "
                "compute it anew"
            ) from error

    def _header(self, key: str) -> dict[str, object]:
        return {
            "format": FORMAT,
            "key": key,
            "fingerprint": self.fingerprint,
            "size": list(self.windows.window_size),
        }
