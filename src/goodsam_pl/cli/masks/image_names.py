"""Which image a name means."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from goodsam_pl.data.listing import IMAGE_SUFFIXES

__all__ = ["ImageNames"]

Parts = tuple[str, ...]


class ImageNames:
    """The images of a folder, found by the ends of their paths.

    ``Amsterdam/1`` means ``train/Amsterdam/1.png``, and so does ``1`` where there is no other; a
    name may also have further folders in front, as long as all of those that the image has agree.

    Args:
        root: folder of the images.
        images: below it.
    """

    def __init__(self, root: Path, images: Sequence[Path]) -> None:
        self.root = root
        self._by_stem: dict[str, list[tuple[Parts, Path]]] = {}
        for image in images:
            parts = _parts(image.relative_to(root).as_posix())
            self._by_stem.setdefault(_stem(parts)[-1], []).append((parts, image))

    def meant_by(self, name: str) -> dict[Path, int]:
        r"""Images whose path ends with a name, or the other way round.

        Args:
            name: with folders, ``/`` or ``\`` between them, or without; with a suffix or without.

        Returns:
            By image, how well it fits: those of the largest number are what is meant.
        """
        wanted = _parts(name)
        if not wanted:
            return {}
        stem = _stem(wanted)
        found: dict[Path, int] = {}
        for parts, image in self._by_stem.get(stem[-1], []):
            common = min(len(parts), len(wanted))
            if stem[-common:] == _stem(parts)[-common:]:
                found[image] = 4 * common + 2 * (parts[-1] == wanted[-1])
                found[image] += len(parts) == len(wanted)
        return found

    def has_all_of(self, name: str) -> bool:
        """Whether the path of an image ends with all of a name."""
        return any(
            len(_parts(image.relative_to(self.root).as_posix())) >= len(_parts(name))
            for image in self.meant_by(name)
        )

    def examples(self) -> str:
        """How images are called, for errors."""
        named = [
            PurePosixPath(*parts).as_posix()
            for parts, _ in sorted(each for images in self._by_stem.values() for each in images)
        ]
        return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _parts(name: str) -> Parts:
    plain = unicodedata.normalize("NFC", name.replace("\\", "/"))
    return tuple(part for part in plain.split("/") if part not in ("", "."))


def _stem(parts: Parts) -> Parts:
    last = parts[-1]
    suffix = PurePosixPath(last).suffix
    return (*parts[:-1], last.removesuffix(suffix) if suffix.lower() in IMAGE_SUFFIXES else last)
