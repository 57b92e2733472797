"""Whether an exported file says what its network says, pixel for pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from goodsam_pl.data.normalization import normalize
from goodsam_pl.deploy.uint8_network import is_circular

__all__ = ["Parity", "Run", "compare_labels", "compare_logits", "sizes_to_compare"]

Run = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Maps RGB ``(B, 3, H, W)`` uint8 to logits ``(B, K, H, W)`` or labels ``(B, H, W)``."""

_LARGEST_DIFFERENCE = 1e-4
"""Of logits: a hundred times what another order of sums makes (our choice)."""
_EQUAL = 0.999
"""Share of pixels that must have the same label: classes may change where two are as likely."""
_BLOCK = 8


class Parity(NamedTuple):
    """How far two ways to the same answer are apart.

    Attributes:
        sizes: heights and widths that were compared, pixels.
        difference: the largest of any logit; ``None`` where only labels were compared.
        equal: share of pixels with the same label, the least of all sizes.
    """

    sizes: Sequence[tuple[int, int]]
    difference: float | None
    equal: float

    def __str__(self) -> str:
        sizes = ", ".join(f"{width}×{height}" for height, width in self.sizes)
        labels = f"{self.equal:.3%} of labels are the same, at {sizes}"
        if self.difference is None:
            return labels
        return f"logits differ by at most {self.difference:.1e}, {labels}"

    def check(self, what: str) -> None:
        """Refuse a file that says something else.

        Raises:
            ValueError: it does.
        """
        near = self.difference is None or self.difference <= _LARGEST_DIFFERENCE
        if not (near and self.equal >= _EQUAL):
            raise ValueError(
                f"{what} does not say what the network says: {self}; at most "
                f"{_LARGEST_DIFFERENCE:.0e} and at least {_EQUAL:.1%} are asked for. Nothing was "
                "written; export it as safetensors"
            )


def sizes_to_compare(
    network: nn.Module, seen: tuple[int, int] | None
) -> tuple[tuple[int, int], ...]:
    """Three heights and widths: a wide one, one off the stride, and what the network sees.

    Args:
        network: if it is circular, widths are multiples of its stride.
        seen: height and width of the panoramas that it was trained on, if it was.
    """
    odd = (75, 160) if is_circular(network) else (75, 150)
    return ((64, 256), odd, seen or (128, 192))


def compare_logits(run: Run, network: nn.Module, sizes: Sequence[tuple[int, int]]) -> Parity:
    """Hold a file that gives logits against its network in eager mode.

    Args:
        run: the file.
        network: maps normalised images ``(1, 3, H, W)`` to logits.
        sizes: heights and widths, pixels.
    """
    largest, equal = 0.0, 1.0
    for height, width in sizes:
        image = _picture(height, width)
        with torch.no_grad():
            expected = network(normalize(image)[None]).numpy()
        found = run(_as_batch(image))
        if found.shape != expected.shape:
            return Parity(sizes, float("inf"), 0.0)
        difference = float(np.abs(found - expected).max())
        largest = max(largest, difference if np.isfinite(difference) else float("inf"))
        same = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
        equal = min(equal, float(same))
    return Parity(sizes, largest, equal)


def compare_labels(run: Run, network: nn.Module, sizes: Sequence[tuple[int, int]]) -> Parity:
    """As :func:`compare_logits`, for a file that gives labels."""
    equal = 1.0
    for height, width in sizes:
        image = _picture(height, width)
        with torch.no_grad():
            expected = network(normalize(image)[None]).argmax(dim=1).numpy()
        found = run(_as_batch(image))
        equal = min(
            equal, float((found == expected).mean()) if found.shape == expected.shape else 0.0
        )
    return Parity(sizes, None, equal)


def _as_batch(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])


def _picture(height: int, width: int) -> NDArray[np.uint8]:
    """Blocks of colour with noise on them: edges, areas and every value. ``(H, W, 3)``."""
    generator = np.random.default_rng(height * width)
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    blocks = generator.integers(0, 256, (rows, columns, 3))
    image = blocks.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[:height, :width]
    noisy = image + generator.integers(-16, 17, image.shape)
    return noisy.clip(0, 255).astype(np.uint8)
