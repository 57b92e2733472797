"""The one pass over every class and every layer, where the time of a fusion goes.

Reading the softmax of a panorama takes about as long as all that follows, which therefore works on
runs of pixels. On the CPU blocks of pixels are scanned while they are in the cache, by NumPy, whose
running maxima and comparisons of small integers are several times as fast there as PyTorch's;
threads share the blocks. On other devices the same is said in tensors, with the same results.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Scan", "scan", "spread"]

_BLOCK = 100_000
"""Pixels at a time: few enough for the cache, many enough for NumPy's calls not to count."""

_Floats = NDArray[np.floating[Any]]
_Integers = NDArray[np.integer[Any]]


class Scan(NamedTuple):
    """Runs of neighbouring pixels with one label and in the same masks.

    Attributes:
        confidence: max S_i of every pixel, float ``(n, P)``.
        starts: first pixel of each run, counted through all windows, int64 ``(R,)``, ascending. A
            window begins a run; a run may also begin without a reason.
        labels: argmax S_i of each run, the lowest class among equals, uint8 ``(R,)``.
        masks: ids of each run's masks, ``(L, R)``, -1 is none.
    """

    confidence: Tensor
    starts: Tensor
    labels: Tensor
    masks: Tensor


def scan(probabilities: Tensor, masks: Tensor) -> Scan:
    """Read P pixels of n windows.

    Args:
        probabilities: S_i, ``(n, K, P)``, K at most 255.
        masks: ids in layers, ``(n, L, P)``.
    """
    if probabilities.device.type == "cpu" and probabilities.dtype in (torch.float32, torch.float64):
        return _scan_blocks(probabilities, masks)
    return _scan_tensors(probabilities, masks)


def spread(values: Tensor, lengths: Tensor, pixels: int) -> Tensor:
    """Give every pixel the value ``(R,)`` of its run: ``(pixels,)``."""
    if values.device.type != "cpu":
        return values.repeat_interleave(lengths, output_size=pixels)
    return torch.from_numpy(np.repeat(values.numpy(), lengths.numpy()))


def _scan_blocks(probabilities: Tensor, masks: Tensor) -> Scan:
    count, _, pixels = probabilities.shape
    confidence = probabilities.new_empty((count, pixels))
    scores, best, layers = probabilities.numpy(), confidence.numpy(), masks.numpy()

    def scan_block(block: tuple[int, int]) -> tuple[_Integers, _Integers, _Integers]:
        window, begin = block
        part = slice(begin, begin + _BLOCK)
        labels = _running_maximum(scores[window, :, part], best[window, part])
        starts = _run_starts(labels, layers[window, :, part])
        ids = np.stack([layer[starts] for layer in layers[window, :, part]])
        return starts + (window * pixels + begin), labels[starts], ids

    blocks = product(range(count), range(0, pixels, _BLOCK))
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        starts, labels, ids = zip(*pool.map(scan_block, blocks), strict=True)
    return Scan(
        confidence,
        torch.from_numpy(np.concatenate(starts)),
        torch.from_numpy(np.concatenate(labels)),
        torch.from_numpy(np.concatenate(ids, axis=1)),
    )


def _running_maximum(scores: _Floats, best: _Floats) -> NDArray[np.uint8]:
    """Where the maximum over the first axis of ``(K, P)`` is; it is written to ``best``."""
    best[:] = scores[0]
    labels = np.zeros(best.shape, dtype=np.uint8)
    better = np.empty(best.shape, dtype=bool)
    here = better.view(np.uint8)
    for index, score in enumerate(scores[1:], start=1):
        np.greater(score, best, out=better)
        np.maximum(best, score, out=best)
        np.multiply(here, np.uint8(index), out=here)
        np.maximum(labels, here, out=labels)
    return labels


def _run_starts(labels: NDArray[np.uint8], layers: _Integers) -> _Integers:
    begins = np.ones(labels.shape, dtype=bool)
    differs = np.empty(len(labels) - 1, dtype=bool)
    np.not_equal(labels[1:], labels[:-1], out=begins[1:])
    for layer in layers:
        np.not_equal(layer[1:], layer[:-1], out=differs)
        np.logical_or(begins[1:], differs, out=begins[1:])
    return np.flatnonzero(begins)


def _scan_tensors(probabilities: Tensor, masks: Tensor) -> Scan:
    confidence, label = probabilities.max(dim=1)
    begins = torch.ones_like(label, dtype=torch.bool)
    begins[:, 1:] = (masks[..., 1:] != masks[..., :-1]).any(dim=1)
    begins[:, 1:] |= label[:, 1:] != label[:, :-1]
    starts = begins.flatten().nonzero().squeeze(1)
    labels = label.flatten()[starts].to(torch.uint8)
    return Scan(confidence, starts, labels, masks.movedim(1, 0).flatten(1)[:, starts])
