"""Small domains on disk, for tests of what reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (20, 30)


def block(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A mask of 6×8 pixels whose place is told by a number."""
    mask = np.zeros(size, dtype=np.bool_)
    top, left = 1 + number % 12, 2 + number % 19
    mask[top : top + 6, left : left + 8] = True
    return mask


def write_picture(path: Path, number: int, size: tuple[int, int] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(number)
    Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return path


def write_mask(path: Path, mask: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(path, quality=90)
    return path


def write_domain(root: Path, count: int, first: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """``images/`` and ``masks/`` of so many images."""
    for number in range(first, first + count):
        write_picture(root / f"images/{number:02d}.png", number, size)
        write_mask(root / f"masks/{number:02d}.png", block(number, size))
    return root


def write_split_domain(root: Path, train: int = 4, val: int = 2, test: int = 2) -> Path:
    first = 0
    for split, count in (("train", train), ("val", val), ("test", test)):
        write_domain(root / split, count, first)
        first += count
    return root
