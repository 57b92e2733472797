"""albumentations pipelines, as given in YAML, tied to one source of random numbers.

In YAML a pipeline is a list of ``class_path`` and ``init_args``; names, types and unknown keys
are checked against the signatures of albumentations when the configuration is read::

    transforms:
      - class_path: albumentations.ColorJitter
        init_args: {brightness: [0.8, 1.2], hue: [-0.05, 0.05], p: 0.8}
      - class_path: albumentations.OneOf
        init_args:
          p: 0.2
          transforms:
            - class_path: albumentations.GaussianBlur
            - class_path: albumentations.GaussNoise
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

# albumentations asks the package index for its newest version whenever it is imported
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations
import cv2

from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["Pipeline", "Transform", "draw_generator", "photometric", "with_labels"]

Transform: TypeAlias = albumentations.BasicTransform | albumentations.BaseCompose
"""What a list of transforms may hold: albumentations' transforms and its OneOf, SomeOf, ..."""


class Pipeline:
    """A sequence of transforms that draws from the generator it is called with.

    albumentations seeds every transform from the operating system when it is built; left alone,
    runs would not repeat, forked workers would all draw the same numbers, and its own ``seed``
    gives every transform one and the same stream, so that they fire together.

    Args:
        transforms: applied in order.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        # a pool of OpenCV threads does not survive the fork into workers, which then hang when
        # they should end; they run in parallel anyway
        cv2.setNumThreads(0)
        self._compose = albumentations.Compose(list(transforms))

    def __len__(self) -> int:
        return len(self._compose)

    def image(
        self, image: npt.NDArray[np.uint8], generator: np.random.Generator
    ) -> npt.NDArray[np.uint8]:
        """Transform an RGB image ``(H, W, 3)``."""
        transformed: npt.NDArray[np.uint8] = self._run(generator, image=image)["image"]
        return transformed

    def image_and_label(
        self,
        image: npt.NDArray[np.uint8],
        label: npt.NDArray[np.uint8],
        generator: np.random.Generator,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Transform an RGB image ``(H, W, 3)`` and its trainIds ``(H, W)`` alike."""
        result = self._run(generator, image=image, mask=label)
        return result["image"], result["mask"]

    def _run(self, generator: np.random.Generator, **targets: Any) -> dict[str, Any]:
        stream = random.Random(int(generator.integers(2**63)))  # noqa: S311  # not for secrets
        self._compose.set_random_state(generator, stream)
        result: dict[str, Any] = self._compose(**targets)
        return result


def photometric(transforms: Sequence[Transform] | None) -> Pipeline:
    """A pipeline for panoramas, which may change colours but must not move pixels.

    Raises:
        ValueError: a transform moves pixels; labels, masks and the grid of windows would stay.
    """
    transforms = transforms or []
    for transform in _leaves(transforms):
        keeps_pixels = isinstance(
            transform, albumentations.ImageOnlyTransform | albumentations.NoOp
        )
        if not keeps_pixels:
            raise ValueError(
                f"data.transforms: {type(transform).__name__} moves pixels, but the masks and "
                "windows of a panorama stay: use data.roll and data.flip, which move them along"
            )
    return Pipeline(transforms)


def with_labels(transforms: Sequence[Transform] | None) -> Pipeline:
    """A pipeline for labelled pinhole images, where any transform is welcome.

    Raises:
        ValueError: a transform would fill the label with class 0 where the image ends.
    """
    transforms = transforms or []
    for transform in _leaves(transforms):
        fill = getattr(transform, "fill_mask", None)
        fills = getattr(transform, "pad_if_needed", True)
        if fill is not None and fills and fill != IGNORE_INDEX:
            raise ValueError(
                f"data.train_transforms: {type(transform).__name__} fills labels with "
                f"{fill}, a class, where the image ends: add fill_mask: {IGNORE_INDEX}"
            )
    return Pipeline(transforms)


def draw_generator(index: int) -> np.random.Generator:
    """Random numbers for one visit of one sample.

    The draw from torch's own generator makes visits differ and repeats under
    ``seed_everything``, in workers too; the index keeps processes apart whose generators started
    from one seed.

    Args:
        index: place of the sample in its data set.
    """
    visit = int(torch.randint(2**62, ()))
    return np.random.default_rng((visit, index))


def _leaves(transforms: Sequence[Transform]) -> Iterator[albumentations.BasicTransform]:
    for transform in transforms:
        if isinstance(transform, albumentations.BaseCompose):
            yield from _leaves(transform.transforms)
        else:
            yield transform
