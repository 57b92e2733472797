"""Windows cut from pictures with instances, each with clicks: what a SAM is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from goodsam_pl.data.clicks import clicked_parts, draw_clicks
from goodsam_pl.data.transforms import draw_generator
from goodsam_pl.streetworld.instances import InstancePicture, InstanceScenes

__all__ = ["ClickBatch", "InstanceWindows", "collate_clicks", "cut_window"]

_SIDE = 192
_LEAST_SIDE = 112


class ClickBatch(NamedTuple):
    """Windows with clicks; of a single window without N.

    Attributes:
        image: ``(N, 3, 192, 192)`` float32 RGB, 0 to 255.
        instances: ``(N, 192, 192)`` int64, ids from 0, the largest instance of a window first.
        points: ``(N, P, 2)`` float32, clicks ``(x, y)`` in pixels.
        parts: ``(N, P, 192, 192)`` bool, the connected part of its instance under each click.
    """

    image: Tensor
    instances: Tensor
    points: Tensor
    parts: Tensor


class InstanceWindows(Dataset[ClickBatch]):
    """Windows at random places of random pictures; each visit draws another one.

    Args:
        panoramas: where windows are cut from.
        photographs: where the others are cut from.
        photograph_share: of the windows.
        windows: an epoch has.
        clicks: P on each window.
    """

    def __init__(
        self,
        panoramas: InstanceScenes,
        photographs: InstanceScenes,
        photograph_share: float,
        windows: int,
        clicks: int,
    ) -> None:
        self.panoramas = panoramas
        self.photographs = photographs
        self.photograph_share = photograph_share
        self.windows = windows
        self.clicks = clicks

    def __len__(self) -> int:
        return self.windows

    def __getitem__(self, index: int) -> ClickBatch:
        return self.draw(draw_generator(index))

    def draw(self, random: np.random.Generator) -> ClickBatch:
        """Draw a window and its clicks."""
        photograph = random.uniform() < self.photograph_share
        window = cut_window(self.photographs if photograph else self.panoramas, random)
        rows, columns = draw_clicks(window.instances, self.clicks, random)
        image = _recolour(window.image, random)
        _, ids, areas = np.unique(window.instances, return_inverse=True, return_counts=True)
        ranks = np.argsort(np.argsort(-areas))[ids].reshape(window.instances.shape)
        return ClickBatch(
            torch.from_numpy(image).permute(2, 0, 1).contiguous(),
            torch.from_numpy(ranks),
            torch.from_numpy(np.stack([columns, rows], axis=1)).float(),
            torch.from_numpy(clicked_parts(window.instances, rows, columns)),
        )


def collate_clicks(samples: Sequence[ClickBatch]) -> ClickBatch:
    """Stack windows."""
    return ClickBatch(*map(torch.stack, zip(*samples, strict=True)))


def cut_window(
    pictures: InstanceScenes, random: np.random.Generator, zoom: float = 0.3
) -> InstancePicture:
    """Cut a square of 192 pixels at a random place, around the seam too.

    Args:
        pictures: where from.
        random: draws picture, place, size and flip.
        zoom: probability of a smaller cut-out, down to 112 pixels, enlarged to 192.
    """
    image, instances = pictures[int(random.integers(len(pictures)))]
    height, width = instances.shape
    side = int(random.integers(_LEAST_SIDE, _SIDE)) if random.uniform() < zoom else _SIDE
    top = int(random.integers(height - side + 1))
    left = int(random.integers(width if pictures.wraps else width - side + 1))
    columns = np.arange(left, left + side) % width
    image = image[top : top + side][:, columns]
    instances = instances[top : top + side][:, columns]
    if side != _SIDE:
        image = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
        instances = cv2.resize(instances, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    if random.uniform() < 0.5:
        image, instances = image[:, ::-1], instances[:, ::-1]
    return InstancePicture(np.ascontiguousarray(image), np.ascontiguousarray(instances))


def _recolour(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.float32]:
    """Other exposure, contrast, white balance, saturation, and sensor noise."""
    scaled = image.astype(np.float32) / 255
    scaled = scaled ** np.float32(np.exp(random.normal(0, 0.2)))
    scaled *= np.exp(random.normal(0, 0.1, 3)).astype(np.float32)
    grey = scaled.mean(axis=2, keepdims=True)
    scaled = grey + (scaled - grey) * np.float32(random.uniform(0.5, 1.4))
    middle = np.float32(scaled.mean())
    scaled = middle + (scaled - middle) * np.float32(random.uniform(0.7, 1.3))
    if random.uniform() < 0.5:
        noise = random.standard_normal(scaled.shape, dtype=np.float32)
        scaled += np.float32(random.uniform(0, 0.02)) * noise
    return np.asarray(np.clip(scaled * 255, 0, 255), dtype=np.float32)
