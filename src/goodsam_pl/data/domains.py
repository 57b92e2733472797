"""Domains of images with masks, and how they are split.

A domain is met as a whole: a model trains on its ``train`` images, is chosen by ``val`` and scored
on ``test``. What a data set gives is used as it is given; what it does not give is drawn by seed
from its training images, never from its test images.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from goodsam_pl.data.domain_layouts import DOMAIN_LAYOUTS, SPLITS
from goodsam_pl.data.entries import Split
from goodsam_pl.data.masked_image import MaskedImage

__all__ = ["Domain", "DomainFolder", "domain_random"]


@dataclass(frozen=True)
class Domain:
    """The images of one domain.

    Attributes:
        name: of the domain.
        train: to learn from.
        val: to choose by; empty where there are none.
        test: to report; likewise.
    """

    name: str
    train: tuple[MaskedImage, ...]
    val: tuple[MaskedImage, ...]
    test: tuple[MaskedImage, ...]

    def split(self, split: Split) -> tuple[MaskedImage, ...]:
        """The images of a split.

        Raises:
            ValueError: there are none.
        """
        images = {"train": self.train, "val": self.val, "test": self.test}[split]
        if not images:
            raise ValueError(
                f"domain {self.name} has no {split} images: give it a folder for them, or set "
                f"{split} to how many are drawn from its training images"
            )
        return images


@dataclass(frozen=True)
class DomainFolder:
    """A domain on disk, as a configuration has it.

    Attributes:
        name: what the domain is called; once in a sequence.
        root: its folder; a tilde stands for the user's own.
        layout: one of :data:`goodsam_pl.data.domain_layouts.DOMAIN_LAYOUTS`.
        folders: folder of each split that is given, below the root; ``None`` takes those of the
            layout. ``{train: .}`` has all images in one.
        train: how many training images are used; ``None`` for all that are left.
        val: how many are drawn from the training images, unless there is a folder for them.
        test: likewise.
        seed: of what is drawn.
    """

    name: str
    root: str
    layout: Literal["folders", "beside", "camo", "coco"] = "folders"
    folders: dict[str, str] | None = None
    train: int | None = None
    val: int = 0
    test: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.layout not in DOMAIN_LAYOUTS:
            known = ", ".join(DOMAIN_LAYOUTS)
            raise ValueError(f"domain {self.name}: layout {self.layout!r} is unknown: {known}")
        if unknown := sorted((self.folders or {}).keys() - {*SPLITS}):
            raise ValueError(
                f"domain {self.name}: folders has {', '.join(unknown)}; splits are train, val, test"
            )
        for name, value, least in (
            *(("train", self.train, 1), ("val", self.val, 0)),
            ("test", self.test, 0),
        ):
            if value is not None and value < least:
                raise ValueError(f"domain {self.name}: {name} is {value}: choose at least {least}")

    def read(self) -> Domain:
        """List the files and split them; no image is opened.

        Raises:
            FileNotFoundError: a folder is missing, an image has no mask, or a mask no image.
            ValueError: no image, two files of one name, or more images are asked for than there
                are.
        """
        root = Path(self.root).expanduser()
        if not root.is_dir():
            what = "is a file" if root.exists() else "no such folder"
            raise FileNotFoundError(f"{root}: {what}: set root to where domain {self.name} lies")
        given = DOMAIN_LAYOUTS[self.layout](root, self.folders)
        train, drawn = self._drawn(given)
        return Domain(
            self.name,
            train,
            tuple(given["val"]) if "val" in given else drawn["val"],
            tuple(given["test"]) if "test" in given else drawn["test"],
        )

    def _drawn(
        self, given: Mapping[Split, Sequence[MaskedImage]]
    ) -> tuple[tuple[MaskedImage, ...], dict[Split, tuple[MaskedImage, ...]]]:
        """Training images, and those that are drawn from them, each in the order of the names."""
        pool = given.get("train", ())
        wanted: dict[Split, int] = {
            "test": 0 if "test" in given else self.test,
            "val": 0 if "val" in given else self.val,
        }
        asked = sum(wanted.values()) + (self.train or int("train" in given))
        if asked > len(pool):
            raise ValueError(
                f"domain {self.name}: {len(pool)} training images are not enough for "
                f"train={self.train or 'all that are left'}, and val={wanted['val']} and "
                f"test={wanted['test']} that are drawn from them: ask for less"
            )
        order = domain_random(self.name, self.seed).permutation(len(pool)).tolist()

        def take(count: int | None) -> tuple[MaskedImage, ...]:
            taken = sorted(order[:count])
            del order[:count]
            return tuple(pool[place] for place in taken)

        drawn = {split: take(count) for split, count in wanted.items()}
        return take(self.train), drawn


def domain_random(name: str, seed: int, stream: int = 0) -> np.random.Generator:
    """Random numbers of a domain, the same wherever it stands in a sequence."""
    return np.random.default_rng((seed, zlib.crc32(name.encode()), stream))
