"""Windows and masks to fuse, and how a loop over masks would see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Scene:
    """Softmax ``(B, N, K, h, w)`` and masks in layers; ``listed[b][i]`` are those of a window."""

    probabilities: Tensor
    layers: Tensor
    listed: list[list[list[NDArray[np.bool_]]]]


@pytest.fixture(params=range(4))
def scene(request: pytest.FixtureRequest) -> Scene:
    """Two panoramas of three windows; nested and overlapping rectangles, one layer for each."""
    generator = torch.Generator().manual_seed(request.param)
    size, masks = 24, 7
    coarse = 2 * torch.randn(6, 5, 6, 6, generator=generator)
    softmax = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear").softmax(1)
    rows, columns = torch.arange(size)[:, None], torch.arange(size)
    listed, layers = [], []
    for _ in range(6):
        found = []
        for _ in range(masks):
            top, bottom = torch.randint(0, size, (2,), generator=generator).sort().values
            left, right = torch.randint(0, size, (2,), generator=generator).sort().values
            inside = (top <= rows) & (rows <= bottom) & (left <= columns) & (columns <= right)
            found.append(inside)
        found.sort(key=lambda mask: -int(mask.sum()))
        listed.append([mask.numpy() for mask in found])
        layers.append(torch.stack([torch.where(m, k, -1) for k, m in enumerate(found)]))
    stacked = torch.stack(layers).to(torch.int16)
    return Scene(
        softmax.unflatten(0, (2, 3)), stacked.unflatten(0, (2, 3)), [listed[:3], listed[3:]]
    )
