"""Run-length encoding of binary masks as COCO has it, to and from NumPy arrays.

Pixels are counted column by column: so many of the background, then so many of the mask, and so
on. Uncompressed, the counts are a list of numbers. Compressed, each count, from the fourth on less
the one before the last, becomes ASCII characters of 5 bits each, lowest first; 32 is added where
more follow, 48 to all, and the fifth bit of the last one is the sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.masks.index_map import Integers, starts

__all__ = ["compress_counts", "counts_of", "decompress_counts", "mask_of", "sampled_mask"]


def counts_of(mask: NDArray[np.bool_]) -> list[int]:
    """Uncompressed counts of a mask ``(h, w)``."""
    pixels = mask.T.reshape(-1)
    changes = np.flatnonzero(np.diff(pixels, prepend=False))
    return [int(count) for count in np.diff(changes, prepend=0, append=pixels.size)]


def mask_of(counts: Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask ``(h, w)`` of uncompressed counts.

    Raises:
        ValueError: the counts do not fill the size.
    """
    return sampled_mask(counts, size, np.arange(size[0]), np.arange(size[1]))


def sampled_mask(
    counts: Sequence[int], size: tuple[int, int], rows: Integers, columns: Integers
) -> NDArray[np.bool_]:
    """Some pixels of the mask of uncompressed counts; no others are laid out.

    Args:
        counts: of a mask of ``size``.
        size: its height and width, pixels.
        rows: ``(h,)``, ascending.
        columns: ``(w,)``, ascending.

    Returns:
        ``(h, w)``, the mask at these rows and columns.

    Raises:
        ValueError: the counts do not fill the size.
    """
    lengths = np.asarray(counts, dtype=np.int64)
    pixels_in_all = size[0] * size[1]
    # each by itself first: a sum of numbers that are too large may wrap around
    fits = lengths.ndim == 1 and ((lengths >= 0) & (lengths <= pixels_in_all)).all()
    if not fits or lengths.sum() != pixels_in_all:
        raise ValueError(f"counts do not fill {size[0]} × {size[1]} pixels")
    wanted = (columns[:, None].astype(np.int64) * size[0] + rows).reshape(-1)
    begins = np.searchsorted(wanted, np.cumsum(lengths)[:-1])
    lengths = np.diff(begins, prepend=0, append=len(wanted))
    pixels = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return np.ascontiguousarray(pixels.reshape(len(columns), len(rows)).T)


def compress_counts(counts: Sequence[int]) -> str:
    """Counts as text."""
    numbers = np.asarray(counts, dtype=np.int64)
    numbers[3:] -= np.asarray(counts, dtype=np.int64)[1:-2]
    # 5 bits at a time until only the sign is left, and it is that of the bit before
    digits = [numbers & 31]
    rest = numbers >> 5
    alive = [np.ones(len(numbers), dtype=bool)]
    while True:
        last = digits[-1]
        more = alive[-1] & np.where((last & 16) > 0, rest != -1, rest != 0)
        if not more.any():
            break
        digits[-1] = last | (more << 5)
        digits.append(rest & 31)
        alive.append(more)
        rest >>= 5
    characters = np.stack(digits, axis=1) + 48
    return bytes(characters[np.stack(alive, axis=1)].astype(np.uint8)).decode("ascii")


def decompress_counts(text: str) -> list[int]:
    """The inverse of :func:`compress_counts`.

    Raises:
        ValueError: the text is none of its making.
    """
    digits = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - 48
    if ((digits < 0) | (digits > 63)).any() or (len(digits) and digits[-1] & 32):
        raise ValueError("compressed counts hold other characters, or are cut off")
    last = np.flatnonzero((digits & 32) == 0)
    lengths = np.diff(last, prepend=-1)
    if len(lengths) and lengths.max() > 12:
        raise ValueError("compressed counts are too large")
    within = np.arange(len(digits)) - np.repeat(starts(lengths), lengths)
    numbers = np.add.reduceat((digits & 31) << (5 * within), starts(lengths)) if len(last) else last
    negative = (digits[last] & 16) > 0
    numbers = numbers - np.where(negative, np.int64(1) << (5 * lengths), 0)
    return _undo_distances(numbers)


def _undo_distances(numbers: Integers) -> list[int]:
    """Every second number from the third on is told by its distance from the one before it."""
    counts = numbers.copy()
    counts[1::2] = np.cumsum(numbers[1::2])
    counts[2::2] = np.cumsum(numbers[2::2])
    return [int(count) for count in counts]
