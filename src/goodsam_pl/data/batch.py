"""What a training step receives, and how samples become a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.data.targets import TeacherTargets
from goodsam_pl.geometry import Windowed, Windows, by_family

__all__ = [
    "PanoramaBatch",
    "PanoramaSample",
    "SourceBatch",
    "SourceSample",
    "collate_panoramas",
    "collate_sources",
]

NO_MASK = -1
"""Value of mask layers where no mask lies."""


@dataclass(frozen=True)
class PanoramaSample:
    """One panorama.

    Attributes:
        image: float32 ``(3, H, W)``, ImageNet-normalised.
        label: int64 ``(H, W)`` trainIds, 255 = ignore; ``None`` without annotation.
        masks: int16 ``(N, L, h, w)``, per window L layers of disjoint masks, -1 = no mask; of each
            family of windows.
        name: relative path without suffix.
        targets: what frozen teachers say, where that is stored.
        whole_masks: masks are of the whole panorama: one has the same id in all windows.
        words: uint8 ``(K, H, W)``, the evidence of each class that words have found, in steps of
            1 / 255; ``None`` where none were asked for.
    """

    image: Tensor
    label: Tensor | None
    masks: Windowed | None
    name: str
    targets: TeacherTargets | None = None
    whole_masks: bool = False
    words: Tensor | None = None


@dataclass(frozen=True)
class SourceSample:
    """One labelled pinhole image: float32 ``(3, H, W)``, int64 ``(H, W)`` and its name."""

    image: Tensor
    label: Tensor
    name: str


class _Batch:
    """Moves a dataclass of tensors; Lightning and torch find these two methods by their names."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move every tensor as ``Tensor.to`` does, in place, and return the batch."""
        return self._apply(lambda tensor: tensor.to(*args, **kwargs))

    def pin_memory(self) -> Self:
        """Move every tensor to page-locked memory, in place, and return the batch."""
        return self._apply(lambda tensor: tensor.pin_memory())

    def _apply(self, function: Callable[[Tensor], Tensor]) -> Self:
        for each in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, each.name)
            if isinstance(value, TeacherTargets):
                setattr(self, each.name, value.map(function))
            elif isinstance(value, Tensor):
                setattr(self, each.name, function(value))
            elif each.name == "masks" and value is not None:
                setattr(self, each.name, by_family(function, value))
        return self


@dataclass
class PanoramaBatch(_Batch):
    """Equirectangular images.

    Attributes:
        image: float32 ``(B, 3, H, W)``, ImageNet-normalised.
        label: int64 ``(B, H, W)`` trainIds, 255 = ignore; ``None`` where panoramas carry none.
        masks: int16 ``(B, N, L, h, w)``: per window L index maps of disjoint masks, mask ids from
            0, sorted by area with the largest first, -1 = no mask; of each family of windows;
            ``None`` without a mask store.
        windows: where the N windows of ``masks`` lie.
        names: relative paths without suffix, stable between runs.
        targets: what frozen teachers say, where that is stored; masks are left out then.
        unreadable: files that should have been in this batch, and what is wrong with each; only
            where prediction goes on past them.
        whole_masks: masks are of whole panoramas, cut into windows: a mask has the same id in all
            windows that it reaches, and ids are sorted by the area on the panorama.
        words: uint8 ``(B, K, H, W)``, the evidence of each class that words have found, in steps of
            1 / 255; ``None`` where none were asked for, and where targets are stored.
    """

    image: Tensor
    label: Tensor | None
    masks: Windowed | None
    windows: Windows
    names: list[str]
    targets: TeacherTargets | None = None
    unreadable: dict[Path, str] = field(default_factory=dict)
    whole_masks: bool = False
    words: Tensor | None = None


@dataclass
class SourceBatch(_Batch):
    """Labelled pinhole images.

    Attributes:
        image: float32 ``(B, 3, H, W)``, ImageNet-normalised.
        label: int64 ``(B, H, W)`` trainIds, 255 = ignore.
        names: relative paths without suffix, stable between runs.
        unreadable: as of a :class:`PanoramaBatch`.
    """

    image: Tensor
    label: Tensor
    names: list[str]
    unreadable: dict[Path, str] = field(default_factory=dict)


def collate_panoramas(samples: Sequence[PanoramaSample], windows: Windows) -> PanoramaBatch:
    """Stack panoramas; mask layers are padded with -1 to the largest L of the batch.

    Raises:
        ValueError: some samples carry labels (or masks) and others do not.
    """
    labels = _present([sample.label for sample in samples], samples, "label")
    words = _present([sample.words for sample in samples], samples, "evidence of words")
    return PanoramaBatch(
        image=torch.stack([sample.image for sample in samples]),
        label=torch.stack(labels) if labels else None,
        masks=_stack_masks(samples),
        windows=windows,
        names=[sample.name for sample in samples],
        targets=_stack_targets(samples),
        whole_masks=all(sample.whole_masks for sample in samples),
        words=torch.stack(words) if words else None,
    )


def collate_sources(samples: Sequence[SourceSample]) -> SourceBatch:
    """Stack pinhole images.

    Raises:
        ValueError: the images differ in size after the transforms.
    """
    sizes = {tuple(sample.image.shape[-2:]): sample.name for sample in samples}
    if len(sizes) > 1:
        found = ", ".join(f"{name} is {h}×{w}" for (h, w), name in sizes.items())
        raise ValueError(
            f"images of one batch differ in size ({found}): set data.size, end "
            "data.train_transforms with a crop, or take batches of 1"
        )
    return SourceBatch(
        image=torch.stack([sample.image for sample in samples]),
        label=torch.stack([sample.label for sample in samples]),
        names=[sample.name for sample in samples],
    )


def _stack_targets(samples: Sequence[PanoramaSample]) -> TeacherTargets | None:
    present = [sample.targets for sample in samples if sample.targets is not None]
    if not present:
        return None
    whole, ensemble, weight, boundary = zip(*present, strict=True)
    return TeacherTargets(
        torch.stack(whole),
        by_family(_stack, *ensemble),
        by_family(_stack, *weight),
        torch.stack(boundary),
    )


def _stack_masks(samples: Sequence[PanoramaSample]) -> Windowed | None:
    masks: list[Windowed] = _present([sample.masks for sample in samples], samples, "set of masks")
    return by_family(_stack_layers, *masks) if masks else None


def _stack_layers(*masks: Tensor) -> Tensor:
    layers = max(each.shape[1] for each in masks)
    return _stack(
        *(F.pad(each, (0, 0, 0, 0, 0, layers - each.shape[1]), value=NO_MASK) for each in masks)
    )


def _stack(*tensors: Tensor) -> Tensor:
    return torch.stack(tensors)


_T = TypeVar("_T")


def _present(values: Sequence[_T | None], samples: Sequence[PanoramaSample], what: str) -> list[_T]:
    present = [value for value in values if value is not None]
    if present and len(present) < len(values):
        missing = next(s.name for s, v in zip(samples, values, strict=True) if v is None)
        raise ValueError(f"{missing} has no {what}, but others in its batch do")
    return present
