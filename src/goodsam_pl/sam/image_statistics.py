"""Mean and deviation that a checkpoint's images are normalised with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from goodsam_pl.sam.transformers_checkpoint import Checkpoint, read_object

__all__ = ["ImageStatistics", "image_statistics", "usual_statistics"]

_BYTE = 1 / 255


class ImageStatistics(NamedTuple):
    """What is taken off each channel, and what it is divided by.

    Attributes:
        mean: of red, green and blue, 0 to 1.
        deviation: of the same.
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def told(self) -> str:
        """As a word of a description."""
        return " ".join(f"{value:g}" for value in (*self.mean, *self.deviation))


_IMAGENET = ImageStatistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ImageStatistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def image_statistics(checkpoint: Checkpoint) -> ImageStatistics:
    """Those that the checkpoint says; where it has no settings of images, its family's own.

    SAM 3 was trained with one half everywhere, all others with the statistics of ImageNet. A
    folder that only the model was saved to has no such settings.

    Raises:
        ValueError: the settings are damaged, or scale images in another way.
    """
    found = _settings(checkpoint.folder)
    if found is None:
        return usual_statistics(checkpoint.family)
    path, settings = found
    scale = settings.get("rescale_factor", _BYTE)
    plain = settings.get("do_rescale", True) is True and settings.get("do_normalize", True) is True
    if not plain or not _is_number(scale) or not math.isclose(scale, _BYTE, rel_tol=1e-3):
        raise ValueError(
            f"{path} scales images in another way than by 1/255, mean and deviation: choose "
            "another checkpoint"
        )
    usual = usual_statistics(checkpoint.family)
    return ImageStatistics(
        _three(settings.get("image_mean", usual.mean), path, "image_mean"),
        _three(settings.get("image_std", usual.deviation), path, "image_std"),
    )


def usual_statistics(family: str) -> ImageStatistics:
    """Those that the published checkpoints of a family have."""
    return _HALF if family.startswith("sam3") else _IMAGENET


def _settings(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Of images: in a file of their own, or as a part of a processor's."""
    path = folder / "preprocessor_config.json"
    if path.is_file():
        return path, read_object(path)
    path = folder / "processor_config.json"
    if not path.is_file():
        return None
    part = read_object(path).get("image_processor")
    return (path, part) if isinstance(part, dict) else None


def _three(values: Any, path: Path, key: str) -> tuple[float, float, float]:
    fine = isinstance(values, list | tuple) and len(values) == 3
    if not fine or not all(_is_number(value) for value in values):
        raise ValueError(f"{path} is damaged: {key} is {values!r}, and not three numbers")
    red, green, blue = (float(value) for value in values)
    if key == "image_std" and min(red, green, blue) <= 0:
        raise ValueError(f"{path} is damaged: {key} is {values!r}, and not above 0")
    return red, green, blue


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
