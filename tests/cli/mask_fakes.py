"""A proposer for tests of the command line: quick, or as slow as it should be."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import torch
from torch import Tensor

from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.proposer import Description
from goodsam_pl.sam import Felzenszwalb


class Diary:
    """Felzenszwalb's masks; writes down when it begins one panorama and has done another.

    Args:
        path: of the diary; lines are appended.
        seconds: that a panorama takes.
    """

    def __init__(self, path: str = "diary.txt", seconds: float = 0.0) -> None:
        self.path = Path(path)
        self.seconds = seconds
        self._proposer = Felzenszwalb(scales=(100.0,))

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Note a hash of the pixels, which tells panoramas apart."""
        name = hashlib.sha256(windows.numpy().tobytes()).hexdigest()[:16]
        self._note(f"begin {name}")
        time.sleep(self.seconds)
        found = self._proposer.propose(windows)
        self._note(f"done {name}")
        return found

    def describe(self) -> Description:
        """Without the diary."""
        return self._proposer.describe()

    def to(self, device: torch.device | str) -> None:
        """Stay on the CPU."""

    def _note(self, line: str) -> None:
        with self.path.open("a") as diary:
            diary.write(f"{os.getpid()} {line}\n")
