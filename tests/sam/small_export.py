"""A small export for tests of the oracle, drawn without the ray caster: blocks and noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (24, 128)


def write_export(root: Path, panoramas: int = 3) -> list[Path]:
    """Write panoramas of 24×128 with their instances; paths of the pictures."""
    paths = []
    for index in range(panoramas):
        random = np.random.default_rng(index)
        instances = blocks(index)
        colours = random.integers(0, 200, (instances.max() + 1, 3))
        picture = colours[instances] + random.integers(0, 56, (*SIZE, 3))
        name = f"target_{index:07d}_.png"
        path = root / "densepass/leftImg8bit/val" / name
        for each, pixels in (
            (path, picture.astype(np.uint8)),
            (root / "instances/val" / name, instances.astype(np.uint16)),
        ):
            each.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(each)
        paths.append(path)
    return paths


def blocks(index: int) -> NDArray[np.int64]:
    """``(24, 128)``: 48 blocks of 8×8, numbered as the index says."""
    numbers = np.random.default_rng(index + 100).permutation(48).reshape(3, 16)
    return numbers.repeat(8, axis=0).repeat(8, axis=1)
