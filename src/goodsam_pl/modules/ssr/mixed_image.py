"""Strong changes of colour and sharpness, for images that the teacher has labelled already."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from goodsam_pl.data import IMAGENET_MEAN, IMAGENET_STD

__all__ = ["augment", "blur", "jitter"]

_JITTERED = 0.8
_BLURRED = 0.5
_STRENGTH = 0.2
_SIGMA = (0.15, 1.15)


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Jitter the colours of 80 % of the images and blur half of them, as SSR's release does.

    Whether and how is drawn anew for each image; the release decides whether for all of a batch.

    Args:
        images: ``(B, 3, H, W)``, ImageNet-normalised.
        generator: on the CPU.

    Returns:
        The same shape. Where colours change, they are clipped to those that a file can hold.
    """
    mean, std = (images.new_tensor(each).view(3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    changed = []
    for image in images:
        is_jittered, is_blurred, *draws = torch.rand(7, generator=generator).tolist()
        pixels = image * std + mean
        if is_jittered < _JITTERED:
            brightness, contrast, saturation, hue = (2 * _STRENGTH * (u - 0.5) for u in draws[:4])
            pixels = jitter(pixels, brightness, contrast, saturation, hue)
        if is_blurred < _BLURRED:
            pixels = blur(pixels, _SIGMA[0] + draws[4] * (_SIGMA[1] - _SIGMA[0]))
        changed.append((pixels - mean) / std)
    return torch.stack(changed)


def jitter(
    image: Tensor, brightness: float, contrast: float, saturation: float, hue: float
) -> Tensor:
    """Change colours, in this order; 0 for all changes nothing.

    Args:
        image: RGB in [0, 1], ``(3, H, W)``.
        brightness: share that is added to all values.
        contrast: share that the distance to the mean grey is made larger by.
        saturation: share that the distance to the pixel's grey is made larger by.
        hue: turns of the circle of colours.
    """
    image = tv.adjust_brightness(image.clamp(0, 1), 1 + brightness)
    image = tv.adjust_contrast(image, 1 + contrast)
    image = tv.adjust_saturation(image, 1 + saturation)
    turned: Tensor = tv.adjust_hue(image, hue)
    return turned


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, cut off at four standard deviations; borders are mirrored.

    Args:
        image: ``(3, H, W)``.
        sigma: standard deviation, pixels; a kernel wider than the image is cut to it.
    """
    radius = min(math.ceil(4 * sigma), *(side - 1 for side in image.shape[-2:]))
    blurred: Tensor = tv.gaussian_blur(image, [2 * radius + 1] * 2, [sigma] * 2)
    return blurred
