"""A model asked at clicks, for tests of the command line: right, and as slow as needed."""

from __future__ import annotations

import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows


class RedClicks:
    """Answers a click with all that is as red as what is clicked; writes down what it sees.

    Args:
        path: of the diary; a line a window.
        seconds: that a window takes.
        version: described, and nothing else.
    """

    windows_per_batch = 1

    def __init__(self, path: str = "diary.txt", seconds: float = 0.0, version: int = 1) -> None:
        self.path = Path(path)
        self.seconds = seconds
        self.version = version

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Nobody asks for this."""
        raise AssertionError

    def describe(self) -> Description:
        """Without the diary."""
        return {"proposer": "red_clicks", "weights": f"version {self.version}"}

    def to(self, device: torch.device | str) -> None:
        """Stay on the CPU."""

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """The pixels themselves, in a square."""
        with self.path.open("a") as diary:
            diary.write(f"{tuple(windows.shape)}\n" * len(windows))
        time.sleep(self.seconds)
        height, width = windows.shape[2:]
        side = max(height, width)
        square = F.pad(windows.float(), (0, side - width, 0, side - height), value=255)
        return EmbeddedWindows(square, LogitFrame(side, height, width), (height, width))

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """A mask a point."""
        red = view.embeddings[index, 0]
        columns, rows = points.long().unbind(dim=1)
        masks = red == red[rows, columns][:, None, None]
        scores = torch.ones(len(points))
        areas = masks.flatten(1).sum(dim=1).float()
        prompts = torch.arange(len(points))
        return Answers(prompts, masks.float() - 0.5, mask_boxes(masks), areas, scores, scores)
