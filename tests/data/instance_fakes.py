"""Pictures of upright stripes, which stand for scenes."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.instances import InstancePicture


class Stripes:
    """Two pictures of 192×256: eight stripes, a small square, and a box that a stripe divides."""

    def __init__(self, wraps: bool) -> None:
        self.wraps = wraps
        instances = np.repeat(np.arange(8, dtype=np.int16), 32) + np.zeros((192, 1), np.int16)
        instances[50:53, 10:13] = 8
        instances[100:140, 70:230] = 9
        instances[120:123] = 1
        colours = np.random.default_rng(0).integers(0, 256, (2, 10, 3), dtype=np.uint8)
        self.pictures = [InstancePicture(each[instances], instances) for each in colours]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> InstancePicture:
        return self.pictures[index]

    def draw_missing(self) -> None:
        pass
