"""Passes over every pixel of every class or layer, where the time of a fusion goes.

Reading the softmax of a panorama takes about as long as all the rest, so it is read once, and what
follows works on runs of pixels. On CPU tensors the loops are NumPy's, whose comparisons of small
integers and running maxima are several times as fast as PyTorch's; results are the same.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Decision", "decide", "run_starts", "spread"]

_BLOCK = 100_000
"""Pixels at a time: few enough for the cache, many enough for NumPy's calls not to count."""


class Decision(NamedTuple):
    """What the teacher assistant says of each pixel.

    Attributes:
        label: argmax S_i, the lowest class among equals, uint8 ``(n, P)``.
        confidence: max S_i, float ``(n, P)``.
    """

    label: Tensor
    confidence: Tensor


def decide(probabilities: Tensor) -> Decision:
    """Label and confidence of every pixel.

    Args:
        probabilities: ``(n, K, P)``, P pixels of n windows, K at most 255.
    """
    if probabilities.device.type != "cpu" or probabilities.dtype == torch.bfloat16:
        confidence, label = probabilities.max(dim=1)
        return Decision(label.to(torch.uint8), confidence)
    count, _, pixels = probabilities.shape
    confidence = probabilities.new_empty((count, pixels))
    label = torch.zeros((count, pixels), dtype=torch.uint8)
    arrays = probabilities.numpy(), confidence.numpy(), label.numpy()

    def decide_block(block: tuple[int, int]) -> None:
        window, begin = block
        part = slice(begin, begin + _BLOCK)
        scores, best, labels = arrays
        _running_maximum(scores[window, :, part], best[window, part], labels[window, part])

    blocks = list(product(range(count), range(0, pixels, _BLOCK)))
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(decide_block, blocks))
    return Decision(label, confidence)


def _running_maximum(
    scores: NDArray[np.floating[Any]], best: NDArray[np.floating[Any]], labels: NDArray[np.uint8]
) -> None:
    """Write the maximum over the first axis ``(K, P)`` and where it is; ``labels`` come as 0."""
    best[:] = scores[0]
    better = np.empty(best.shape, dtype=bool)
    here = better.view(np.uint8)
    for index, score in enumerate(scores[1:], start=1):
        np.greater(score, best, out=better)
        np.maximum(best, score, out=best)
        np.multiply(here, np.uint8(index), out=here)
        np.maximum(labels, here, out=labels)


def run_starts(label: Tensor, masks: Tensor) -> Tensor:
    """Where neighbouring pixels differ in their label or in a mask.

    Args:
        label: ``(n, P)``.
        masks: ``(n, L, P)``.

    Returns:
        int64 ``(R,)``, ascending, pixels counted through all windows; a window begins a run.
    """
    if label.device.type != "cpu":
        begins = torch.ones_like(label, dtype=torch.bool)
        begins[:, 1:] = (masks[..., 1:] != masks[..., :-1]).any(dim=1)
        begins[:, 1:] |= label[:, 1:] != label[:, :-1]
        return begins.flatten().nonzero().squeeze(1)
    labels, layers = label.numpy(), masks.numpy()
    starts = np.ones(labels.shape, dtype=bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=starts[:, 1:])
    for layer in range(layers.shape[1]):
        starts[:, 1:] |= layers[:, layer, 1:] != layers[:, layer, :-1]
    return torch.from_numpy(np.flatnonzero(starts))


def spread(values: Tensor, lengths: Tensor, pixels: int) -> Tensor:
    """Give every pixel the value ``(R,)`` of its run: ``(pixels,)``."""
    if values.device.type != "cpu":
        return values.repeat_interleave(lengths, output_size=pixels)
    return torch.from_numpy(np.repeat(values.numpy(), lengths.numpy()))
