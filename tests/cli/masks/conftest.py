from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZES = ("--size", "[24,128]", "--window_size", "[24,24]", "--window_stride", "[24,16]")


@pytest.fixture
def write_panoramas(workplace):
    """Write pictures of coloured blocks, 24×128, below ``images``."""

    def write(count: int, folder: str = "images") -> list[Path]:
        paths = []
        for index in range(count):
            blocks = np.random.default_rng(index).integers(0, 256, (3, 16, 3), dtype=np.uint8)
            path = workplace / folder / f"{index:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(blocks.repeat(8, axis=0).repeat(8, axis=1)).save(path)
            paths.append(path)
        return paths

    return write


@pytest.fixture
def sizes():
    return SIZES


@pytest.fixture
def stored(write_panoramas, goodsam):
    """Write so many panoramas and compute their masks, window by window, into ``masks``."""

    def store(count: int) -> list[Path]:
        paths = write_panoramas(count)
        words = ["masks", "compute", "images", "masks", "--mode", "window"]
        goodsam(*words, "--proposer", "mask_fakes.Diary", *SIZES)
        return paths

    return store


@pytest.fixture
def contents(workplace):
    """Every file of a folder, by name, but those of what is known, which tell times."""

    def of(folder: str) -> dict[str, bytes]:
        root = workplace / folder
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.suffix != ".tsv"
        }

    return of
