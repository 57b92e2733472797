"""The one pass over every class and every layer, where the time of a fusion goes.

Reading the softmax of a panorama takes about as long as all that follows, which therefore works on
runs of pixels. On the CPU blocks of pixels are scanned while they are in the cache, by NumPy, whose
maxima and comparisons of small integers are several times as fast there as PyTorch's;
threads share the blocks. On other devices the same is said in tensors, with the same results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise, product
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Scan", "gather_up", "scan", "spread"]

_BLOCK = 50_000
"""Pixels at a time: few enough for the cache, many enough for NumPy's calls not to count."""

_Floats = NDArray[np.floating[Any]]
_Integers = NDArray[np.integer[Any]]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Scan(NamedTuple):
    """Runs of neighbouring pixels with one label and in the same masks.

    Attributes:
        confidence: max S_i of every pixel, float ``(n, P)``.
        starts: first pixel of each run, counted through all windows, int64 ``(R,)``, ascending. A
            window begins a run; a run may also begin without a reason.
        labels: argmax S_i of each run, the lowest class among equals, uint8 ``(R,)``.
        masks: numbers of each run's masks, int32 ``(L, R)``, 0 is none: mask m of window i has the
            number 1 + m n + i.
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


def spread(values: Sequence[Tensor], lengths: Tensor, pixels: int) -> list[Tensor]:
    """Give every pixel the values ``(R,)`` of its run: ``(pixels,)`` each."""
    if lengths.device.type != "cpu":
        return [each.repeat_interleave(lengths, output_size=pixels) for each in values]
    repeats = lengths.numpy()
    repeated = _in_threads(lambda each: np.repeat(each.numpy(), repeats), values)
    return [torch.from_numpy(each) for each in repeated]


def gather_up(values: Tensor, lengths: Tensor) -> Tensor:
    """Sum integers ``(pixels,)`` over runs, exactly: int64 ``(R,)``."""
    ends = lengths.cumsum(0)
    if values.device.type != "cpu":
        return torch.diff(values.cumsum(0, dtype=torch.int64)[ends - 1], prepend=ends.new_zeros(1))
    starts = (ends - lengths).numpy()
    return torch.from_numpy(np.add.reduceat(values.numpy(), starts, dtype=np.int64))


def _scan_blocks(probabilities: Tensor, masks: Tensor) -> Scan:
    count, _, pixels = probabilities.shape
    confidence = probabilities.new_empty((count, pixels))
    scores, best, layers = probabilities.numpy(), confidence.numpy(), masks.numpy()

    def scan_block(block: tuple[int, int]) -> tuple[_Integers, _Integers, _Integers]:
        window, begin = block
        part = slice(begin, begin + _BLOCK)
        labels = _maximum(scores[window, :, part], best[window, part])
        starts = _run_starts(labels, layers[window, :, part])
        ids = np.take(layers[window, :, part], starts, axis=1).astype(np.int32)
        numbers = np.maximum(ids * count + (window + 1), 0)
        return starts + (window * pixels + begin), labels[starts], numbers

    blocks = list(product(range(count), range(0, pixels, _BLOCK)))
    starts, labels, numbers = zip(*_in_threads(scan_block, blocks), strict=True)
    return Scan(
        confidence,
        torch.from_numpy(np.concatenate(starts)),
        torch.from_numpy(np.concatenate(labels)),
        torch.from_numpy(np.concatenate(numbers, axis=1)),
    )


def _in_threads(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Map over items in as many threads as PyTorch has, each with a share of neighbours."""
    threads = min(torch.get_num_threads(), len(items))
    if threads == 1:
        return [work(each) for each in items]
    ends = [len(items) * thread // threads for thread in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        shares = [items[begin:end] for begin, end in pairwise(ends)]
        done = pool.map(lambda share: [work(each) for each in share], shares)
        return list(chain.from_iterable(done))


def _maximum(scores: _Floats, best: _Floats) -> NDArray[np.uint8]:
    """The first place of the maximum over the first axis of ``(K, P)``, which fills ``best``."""
    last = len(scores) - 1
    np.maximum.reduce(scores, axis=0, out=best)
    codes = np.equal(scores, best).view(np.uint8)
    # early classes have large codes, so that the largest is that of the first of equals
    codes *= np.arange(last, -1, -1, dtype=np.uint8)[:, None]
    labels: NDArray[np.uint8] = np.uint8(last) - np.maximum.reduce(codes, axis=0)
    return labels


def _run_starts(labels: NDArray[np.uint8], layers: _Integers) -> _Integers:
    begins = np.ones(labels.shape, dtype=bool)
    np.not_equal(labels[1:], labels[:-1], out=begins[1:])
    begins[1:] |= np.bitwise_or.reduce(layers[:, 1:] != layers[:, :-1], axis=0)
    return np.flatnonzero(begins)


def _scan_tensors(probabilities: Tensor, masks: Tensor) -> Scan:
    confidence, label = probabilities.max(dim=1)
    begins = torch.ones_like(label, dtype=torch.bool)
    begins[:, 1:] = (masks[..., 1:] != masks[..., :-1]).any(dim=1)
    begins[:, 1:] |= label[:, 1:] != label[:, :-1]
    starts = begins.flatten().nonzero().squeeze(1)
    labels = label.flatten()[starts].to(torch.uint8)
    count, pixels = label.shape
    ids = masks.movedim(1, 0).flatten(1)[:, starts].int()
    numbers = (ids * count + (starts // pixels + 1).int()).clamp(min=0)
    return Scan(confidence, starts, labels, numbers)
