"""From radiance to a picture: lens blur, exposure, white balance, vignetting, noise, tone curve."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.cameras import Camera
from goodsam_pl.streetworld.city import City, as_array
from goodsam_pl.streetworld.primitives import Floats

__all__ = ["develop"]

_STEPS = 4096
_EXPOSURE = 0.62
_BAND = 16


def develop(radiance: Floats, city: City, camera: Camera, seed: int) -> NDArray[np.uint8]:
    """Take the picture.

    Args:
        radiance: ``(H, W, 3)`` linear RGB.
        city: its lens and sensor settings.
        camera: panoramas wrap around the seam and have no vignette.
        seed: of the scene; noise and the automatic exposure's error come from it.

    Returns:
        ``(H, W, 3)`` uint8, sRGB-like.
    """
    panorama = camera.kind == "equirectangular"
    generator = np.random.Generator(np.random.PCG64([seed, 90 + panorama]))
    light = np.minimum(radiance, np.float32(2.5))
    light = _blur(light, np.float32(city.blur), panorama)
    error = 2.0 ** generator.uniform(-0.3, 0.3)
    gain = np.float32(_EXPOSURE * city.exposure * error) * as_array(city.white_balance)
    shade = np.ones((1, 1), dtype=np.float32) if panorama else _vignette(camera.size)
    shade = np.broadcast_to(shade, light.shape[:2])[..., None]
    picture = np.empty(light.shape, dtype=np.uint8)
    tone = _tone(round(city.contrast, 6))
    for top in range(0, len(light), _BAND):
        band = slice(top, top + _BAND)
        exposed = light[band] * gain * shade[band]
        noise = generator.standard_normal(exposed.shape, dtype=np.float32)
        exposed += noise * (np.float32(city.noise) * np.sqrt(np.maximum(exposed, 0.01)))
        index = np.clip(exposed * (_STEPS - 1), 0, _STEPS - 1).astype(np.intp)
        picture[band] = tone.take(index)
    return picture


def _blur(image: Floats, side: np.float32, wrap: bool) -> Floats:
    """Blur with the kernel (side, 1 - 2 side, side) along both axes."""
    padded = np.pad(image, ((0, 0), (1, 1), (0, 0)), mode="wrap" if wrap else "edge")
    image = (1 - 2 * side) * image + side * (padded[:, :-2] + padded[:, 2:])
    padded = np.pad(image, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return np.asarray((1 - 2 * side) * image + side * (padded[:-2] + padded[2:]))


@lru_cache(maxsize=4)
def _vignette(size: tuple[int, int]) -> Floats:
    height, width = size
    y = (np.arange(height, dtype=np.float32) - 0.5 * height + 0.5) / (0.5 * width)
    x = (np.arange(width, dtype=np.float32) - 0.5 * width + 0.5) / (0.5 * width)
    return np.asarray(1 - 0.22 * (y[:, None] ** 2 + x[None] ** 2), dtype=np.float32)


@lru_cache(maxsize=8)
def _tone(contrast: float) -> NDArray[np.uint8]:
    """Gamma with a soft shoulder and a contrast around middle grey."""
    light = np.linspace(0, 1, _STEPS)
    curve = (light * (1 + 0.25 * light) / (0.25 + light)) ** (1 / 1.55)
    curve = np.clip(0.5 + contrast * (curve - 0.5), 0, 1)
    return np.asarray(np.round(255 * curve), dtype=np.uint8)
