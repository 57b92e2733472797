"""Clicks on instances, and the masks that they may mean."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nano_sam.scenes import Pictures, Window, cut_window

__all__ = ["Batch", "draw_batch", "draw_clicks"]

SMALLEST_OBJECT = 20
MOST_INSTANCES = 96
PATCH = 8


class Batch(NamedTuple):
    """Windows with clicks.

    Attributes:
        images: ``(N, 3, 192, 192)`` float32, 0 to 255.
        points: ``(N, P, 2)`` float32, ``(x, y)`` in pixels.
        wholes: ``(N, P, 96, 96)`` float32, the share of each logit's pixels that the clicked
            instance covers.
        pieces: the same for the connected part of the instance that was clicked.
        shares: ``(N, K, 576)`` float32, how much of each patch of 8×8 pixels each of the K largest
            instances covers; zeros fill up where a window has fewer.
    """

    images: Tensor
    points: Tensor
    wholes: Tensor
    pieces: Tensor
    shares: Tensor


def draw_batch(
    panoramas: Pictures, photographs: Pictures, windows: int, clicks: int, seed: list[int]
) -> Batch:
    """Draw a training batch, the same for the same seed.

    Args:
        panoramas: source of seven windows in eight.
        photographs: source of the others.
        windows: N.
        clicks: P.
        seed: of the generator.
    """
    random = np.random.default_rng(seed)
    images, points, wholes, pieces, shares = [], [], [], [], []
    for _ in range(windows):
        source = photographs if random.uniform() < 0.125 else panoramas
        window = cut_window(source, random)
        rows, columns = draw_clicks(window, clicks, random)
        whole, piece = _meanings(window, rows, columns)
        images.append(_recolour(window.image, random))
        points.append(np.stack([columns, rows], axis=1))
        wholes.append(_half(whole))
        pieces.append(_half(piece))
        shares.append(_patch_shares(window.instances))
    return Batch(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack(points)).float(),
        torch.from_numpy(np.stack(wholes)),
        torch.from_numpy(np.stack(pieces)),
        torch.from_numpy(np.stack(shares)),
    )


def draw_clicks(
    window: Window, count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of clicks: a third anywhere, as in a grid; the others object by object.

    Objects are drawn with the square root of their area, half of their pixels with their distance
    to the border, because people and grids of points both hit the middle of things.
    """
    flat = window.instances.ravel().astype(np.int64)
    area = np.bincount(flat)
    anywhere = (area[flat] >= SMALLEST_OBJECT) / flat.size
    by_object = anywhere * area[flat] ** -0.5
    inner = _distance_to_border(window.instances).ravel()
    inside = by_object * inner / (np.bincount(flat, inner) / np.maximum(area, 1))[flat]
    weight = sum(part / part.sum() for part in (anywhere, by_object, inside))
    chosen = random.choice(flat.size, size=count, p=weight / weight.sum())
    rows, columns = np.divmod(chosen, window.instances.shape[1])
    return rows, columns


def _meanings(
    window: Window, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    wholes = window.instances == window.instances[rows, columns][:, None, None]
    pieces = np.empty_like(wholes)
    for index, (row, column) in enumerate(zip(rows, columns, strict=True)):
        _, parts = cv2.connectedComponents(wholes[index].astype(np.uint8))
        pieces[index] = parts == parts[row, column]
    return wholes, pieces


def _distance_to_border(instances: NDArray[np.int16]) -> NDArray[np.float32]:
    same = np.ones(instances.shape, dtype=np.uint8)
    across, down = np.diff(instances, axis=1) != 0, np.diff(instances, axis=0) != 0
    same[:, 1:][across] = same[:, :-1][across] = 0
    same[1:][down] = same[:-1][down] = 0
    return np.asarray(cv2.distanceTransform(same, cv2.DIST_L2, 3) + 0.5)


def _patch_shares(instances: NDArray[np.int16]) -> NDArray[np.float32]:
    side = instances.shape[0] // PATCH
    _, ids, areas = np.unique(instances, return_inverse=True, return_counts=True)
    ids = np.argsort(np.argsort(-areas))[ids].reshape(side, PATCH, side, PATCH)
    patches = np.arange(side * side).reshape(side, 1, side, 1)
    flat = (ids * side * side + patches).ravel()
    counts = np.bincount(flat, minlength=len(areas) * side * side).reshape(-1, side * side)
    shares = np.zeros((MOST_INSTANCES, side * side), dtype=np.float32)
    shares[: len(counts)] = counts[:MOST_INSTANCES] / PATCH**2
    return shares


def _half(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    count, height, width = masks.shape
    blocks = masks.reshape(count, height // 2, 2, width // 2, 2)
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)


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
