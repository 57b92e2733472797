"""A network that labels pixels by their colour, and folders of panoramas for it."""

from __future__ import annotations

import os
import signal

import numpy as np
import torch
from PIL import Image
from torch import nn

from goodsam_pl.data import normalize
from goodsam_pl.taxonomy import get_taxonomy

TAXONOMY = get_taxonomy("camvid-11")


class ByColour(nn.Module):
    """The class whose colour in the palette is next.

    Args:
        sharpness: scales the logits.
        dies_at: number of the call at which the process is killed.
    """

    def __init__(self, sharpness: float = 1.0, dies_at: int = 0):
        super().__init__()
        palette = normalize(np.array([TAXONOMY.palette], dtype=np.uint8))[:, 0].T
        self.palette = nn.Parameter(palette.clone())
        self.sharpness = sharpness
        self.dies_at = dies_at
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        if self.calls == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        difference = images[:, None] - self.palette[None, :, :, None, None]
        return -self.sharpness * difference.square().sum(dim=2)


def classes(seed, height=64, width=128, cell=4):
    """Random class ids ``(height, width)`` in cells of equal class."""
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, 11, (height // cell, width // cell))
    return ids.repeat(cell, axis=0).repeat(cell, axis=1)


def draw(path, ids, **options):
    """Write the colours of class ids."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(TAXONOMY.colorize(ids)).save(path, **options)


def read(path):
    return np.asarray(Image.open(path))


def predicted(pixels):
    """What the network says of RGB pixels."""
    with torch.no_grad():
        return ByColour()(normalize(pixels)[None]).argmax(dim=1)[0].numpy()
