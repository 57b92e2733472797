"""Masks on disk: one file per panorama, found by the content of the image.

A store is a folder::

    store.json                       what the masks are of: format, windows, proposer
    records/3f/3f27…d1.npz           masks of the image file whose SHA-256 is 3f27…d1

Records are written under another name and renamed, so that at any moment each of them is whole or
not there; several processes may write at once.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from goodsam_pl.atomic import write_atomically
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam.masks import WindowMasks
from goodsam_pl.sam.proposer import Description, MaskProposer, fingerprint_of
from goodsam_pl.sam.records import FORMAT, Header, decode_layers, decode_masks, encode_masks

__all__ = ["MaskStore", "MaskStoreError", "image_key"]

_MANIFEST = "store.json"
# RuntimeError: also what zipfile raises for a compression method it does not know
_DAMAGE = (ValueError, KeyError, TypeError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
Decoded = TypeVar("Decoded")


class MaskStoreError(ValueError):
    """A store or a record that cannot be used; the message names the file and the way out."""


def image_key(path: Path) -> str:
    """SHA-256 of an image file's bytes, 64 hexadecimal digits: the key of its masks."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class MaskStore:
    """Masks of many panoramas, made with the same windows by the same proposer.

    Use :meth:`create` or :meth:`open`.

    Args:
        root: its folder.
        windows: the grid that the masks are of.
        view: which part of the sphere the panoramas show, angles in degrees by name.
        proposer: what proposed them, see :meth:`MaskProposer.describe`.
        fingerprint: of the proposer.
    """

    def __init__(
        self,
        root: Path,
        windows: WindowGrid,
        view: Mapping[str, float],
        proposer: Description,
        fingerprint: str,
    ) -> None:
        self.root = root
        self.windows = windows
        self.view = dict(view)
        self.proposer = proposer
        self.fingerprint = fingerprint

    @classmethod
    def create(
        cls,
        root: Path,
        windows: WindowGrid,
        proposer: MaskProposer,
        view: Mapping[str, float] | None = None,
    ) -> MaskStore:
        """Open the store of a folder, or make an empty one.

        Args:
            root: its folder.
            windows: the grid that masks will be of.
            proposer: what will propose them.
            view: which part of the sphere the panoramas show, angles in degrees by name: two views
                of one file have masks of their own.

        Raises:
            MaskStoreError: the folder holds masks of other windows or another proposer; the
                message says what differs.
        """
        description = proposer.describe()
        store = cls(root, windows, view or {}, description, fingerprint_of(description))
        path = root / _MANIFEST
        if not path.is_file():
            root.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(store._manifest(), indent=2).encode())
            return store
        differences = _differences(_read_manifest(path), store._manifest())
        if differences:
            raise MaskStoreError(
                f"{path} is of other masks: {'; '.join(differences)}. "
                "Name another mask_root, or delete this one if it is no longer needed"
            )
        return store

    @classmethod
    def open(cls, root: Path) -> MaskStore:
        """Open the store of a folder.

        Raises:
            FileNotFoundError: the folder holds none.
            MaskStoreError: its ``store.json`` is damaged or of another format.
        """
        path = root / _MANIFEST
        if not path.is_file():
            raise FileNotFoundError(
                f"no masks at {root}: put the callback PrecomputeSAM into trainer.callbacks, "
                "or correct mask_root"
            )
        manifest = _read_manifest(path)
        try:
            sides = {name: tuple(sizes) for name, sizes in manifest["windows"].items()}
            windows = WindowGrid(**sides)
            view, proposer = manifest["view"], manifest["proposer"]
            return cls(root, windows, view, proposer, manifest["fingerprint"])
        except (KeyError, TypeError, AttributeError) as error:
            raise MaskStoreError(
                f"{path} is incomplete ({error}): delete the folder to compute the masks anew"
            ) from error

    def path(self, key: str) -> Path:
        """The file of a record, whether it is there or not."""
        return self.root / "records" / key[:2] / f"{key}.npz"

    def __contains__(self, key: str) -> bool:
        return self.path(key).is_file()

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in sorted(self.root.glob("records/??/*.npz")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def write(self, key: str, name: str, masks: Sequence[WindowMasks]) -> None:
        """Store the masks of a panorama; an earlier record of it is replaced.

        Logits are kept in steps of 1/16 from -8 to 8, which compresses well; binary masks are kept
        exactly.

        Args:
            key: :func:`image_key` of the image file.
            name: of the image, for people who look into the store.
            masks: one set for each window, in the grid's order.

        Raises:
            ValueError: not as many sets as windows, or of another size.
        """
        sizes = {window.size for window in masks}
        if len(masks) != self.windows.count or sizes != {self.windows.window_size}:
            raise ValueError(
                f"{name}: {len(masks)} windows of {sorted(sizes)}, the store has "
                f"{self.windows.count} of {self.windows.window_size}"
            )
        header = self._header(key) | {"name": name}
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, encode_masks(masks, header))

    def read(self, key: str) -> list[WindowMasks]:
        """All that is known of a panorama's masks, one set for each window.

        Raises:
            KeyError: there is no record of it.
            MaskStoreError: the record is damaged or does not belong here.
        """
        return self._decode(key, decode_masks)

    def layers(self, key: str) -> Tensor:
        """The masks of a panorama as index maps; quick, logits are not touched.

        Returns:
            ``(N, L, h, w)`` int16, see :func:`goodsam_pl.sam.masks.mask_layers`; padded with -1 to
            the largest ``L`` of the panorama's windows, at least 1.

        Raises:
            KeyError: there is no record of it.
            MaskStoreError: the record is damaged or does not belong here.
        """
        return self._decode(key, decode_layers)

    def _decode(self, key: str, decode: Callable[[bytes, Header], Decoded]) -> Decoded:
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise KeyError(f"{self.root} has no masks of the image {key}") from None
        try:
            return decode(content, self._header(key))
        except _DAMAGE as error:
            raise MaskStoreError(
                f"{path} cannot be used ({error}): delete it, PrecomputeSAM computes it anew"
            ) from error

    def _header(self, key: str) -> dict[str, str | int]:
        return {"format": FORMAT, "key": key, "fingerprint": self.fingerprint}

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "windows": self.windows._asdict(),
            "view": self.view,
            "proposer": self.proposer,
            "fingerprint": self.fingerprint,
        }


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text())
        written = manifest["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise MaskStoreError(
            f"{path} is damaged ({error}): delete the folder to compute the masks anew"
        ) from error
    if written != FORMAT:
        raise MaskStoreError(
            f"{path} is in format {written}, this version reads {FORMAT}: name another mask_root "
            "to compute the masks anew"
        )
    return dict(manifest)


def _differences(stored: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """What differs between two manifests, by name."""
    return [
        f"{name} is {old.get(name)} there and {new.get(name)} here"
        for part in ("windows", "view", "proposer")
        for old, new in [(stored.get(part, {}), _through_json(asked[part]))]
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _through_json(values: dict[str, Any]) -> dict[str, Any]:
    """Tuples become lists, as in a manifest that was read."""
    return dict(json.loads(json.dumps(values)))
