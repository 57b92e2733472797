from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def write_reds(workplace):
    """Write pictures 12×48 below ``images`` whose red says the class, or that there is none."""

    def write(count: int) -> list[np.ndarray]:
        truths = []
        for index in range(count):
            truth = np.random.default_rng(index).integers(0, 4, (3, 12)).repeat(4, 0).repeat(4, 1)
            picture = np.zeros((12, 48, 3), np.uint8)
            picture[..., 0] = 40 * truth + 20
            path = workplace / f"images/{'ab'[index % 2]}/{index:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
            truths.append(truth)
        return truths

    return write


@pytest.fixture
def contents(workplace):
    """Every file of a folder, by name."""

    def of(folder: str) -> dict[str, bytes]:
        root = Path(workplace / folder)
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    return of
