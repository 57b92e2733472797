"""Tables of tileable noise; every texture looks its numbers up here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.primitives import Floats, Integers

__all__ = ["clouds", "grain", "random_cell", "solid_noise", "speckle"]

_SIZE = 512
_MASK = _SIZE - 1
Numbers = Floats | Integers | int


@lru_cache(maxsize=4)
def _table(exponent: float, seed: int) -> NDArray[np.float32]:
    """Noise whose amplitude falls with frequency to a power, mean 0, deviation 1, flat array."""
    generator = np.random.Generator(np.random.PCG64(seed))
    white = generator.standard_normal((_SIZE, _SIZE))
    across = np.fft.fftfreq(_SIZE)[:, None]
    frequency = np.maximum(np.hypot(across, np.fft.rfftfreq(_SIZE)[None]), 1.0 / _SIZE)
    spectrum = np.fft.rfft2(white) / frequency**exponent
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(_SIZE, _SIZE))
    return np.asarray(np.clip(noise / noise.std(), -2.5, 2.5), dtype=np.float32).ravel()


def _look_up(table: NDArray[np.float32], u: Floats, v: Floats) -> Floats:
    column = np.floor(u).astype(np.intp) & _MASK
    row = np.floor(v).astype(np.intp) & _MASK
    return table.take(row * _SIZE + column)


def clouds(u: Floats, v: Floats) -> Floats:
    """Smooth noise with large blobs; one cell a unit, repeats after 512."""
    return _look_up(_table(1.5, 1), u, v)


def grain(u: Floats, v: Floats) -> Floats:
    """Noise with detail on all scales; one cell a unit, repeats after 512."""
    return _look_up(_table(0.9, 2), u, v)


def speckle(u: Floats, v: Floats) -> Floats:
    """Nearly white noise; one cell a unit, repeats after 512."""
    return _look_up(_table(0.25, 3), u, v)


def solid_noise(x: Floats, y: Floats, z: Floats, scale: float | Floats) -> Floats:
    """Noise in space, the sum over three planes that no wall is parallel to; deviation 1.7."""
    u = scale * (0.80 * x + 0.52 * y - 0.30 * z)
    v = scale * (-0.48 * x + 0.85 * y + 0.21 * z)
    w = scale * (0.36 * x - 0.03 * y + 0.93 * z)
    return grain(u, w) + grain(v + 170, w + 60) + grain(u + 90, v + 250)


@lru_cache(maxsize=1)
def _uniform() -> NDArray[np.float32]:
    generator = np.random.Generator(np.random.PCG64(4))
    return generator.random(_SIZE * _SIZE, dtype=np.float32)


def random_cell(i: Numbers, j: Numbers, salt: Numbers = 0) -> Floats:
    """A number in [0, 1) for each integer cell, e.g. for each window of a façade."""
    first, second = np.asarray(i).astype(np.int64), np.asarray(j).astype(np.int64)
    third = np.asarray(salt).astype(np.int64)
    mixed = first * 7919 + second * 104729 + third * 15485863
    return _uniform().take((mixed ^ (mixed >> 9)) & (_SIZE * _SIZE - 1))
