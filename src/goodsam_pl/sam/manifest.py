"""What all masks of a store have in common, and how it tells itself from another store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam.proposer import Description
from goodsam_pl.sam.records import FORMAT

__all__ = ["Manifest", "MaskStoreError"]


class MaskStoreError(ValueError):
    """A store or a record that cannot be used; the message names the file and the way out."""


@dataclass(frozen=True)
class Manifest:
    """All that masks depend on, besides the image.

    Attributes:
        windows: the grid that the masks are of; with one window as large as the panorama they are
            of the whole panorama, and may go on across the seam.
        view: which part of the sphere the panoramas show, angles in degrees by name.
        proposer: what proposed them, see :meth:`goodsam_pl.sam.MaskProposer.describe`.
        logits: whether low-resolution logits are kept, where the proposer has any.
    """

    windows: WindowGrid
    view: Mapping[str, float]
    proposer: Description
    logits: bool = True

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything here and of the format; records carry it."""
        text = json.dumps(self._content(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

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
            content = json.loads(path.read_text(encoding="utf-8"))
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
            windows = WindowGrid(**{name: tuple(each) for name, each in content["windows"].items()})
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
