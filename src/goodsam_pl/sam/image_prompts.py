"""What a promptable SAM is asked: one object in each image, by points, a box or a rough mask."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import torch
from segment_anything.modeling import PromptEncoder
from torch import Tensor

__all__ = ["EmbeddedPrompts", "ImagePrompts"]


class EmbeddedPrompts(NamedTuple):
    """Prompts as SAM's decoder takes them.

    Attributes:
        sparse: ``(B, P, C)`` float, a token a point and two a box; P may be 0.
        dense: ``(B, C, h, w)`` float, added to the image.
    """

    sparse: Tensor
    dense: Tensor


@dataclass(frozen=True)
class ImagePrompts:
    """Prompts of B images, one object in each, all asked in the same way.

    Attributes:
        points: ``(B, n, 2)`` float, ``(x, y)`` in pixels of the encoder's input.
        labels: ``(B, n)`` int, 1 on the object and 0 beside it; goes with ``points``.
        boxes: ``(B, 4)`` float, left, top, right, bottom in pixels of the encoder's input.
        masks: ``(B, 1, 4h, 4w)`` float, logits of a rough mask at the size of SAM's own.

    Raises:
        ValueError: nothing is asked, of different numbers of images, or points without labels.
    """

    points: Tensor | None = None
    labels: Tensor | None = None
    boxes: Tensor | None = None
    masks: Tensor | None = None

    def __post_init__(self) -> None:
        counts = {len(value) for value in self._given().values()}
        if len(counts) != 1:
            raise ValueError(
                f"prompts of {sorted(counts)} images: give points, boxes or masks, of one number "
                "of images"
            )
        if (self.points is None) != (self.labels is None):
            raise ValueError("points go with labels, 1 on the object and 0 beside it: give both")

    def __len__(self) -> int:
        """B, the number of images."""
        return len(next(iter(self._given().values())))

    def take(self, images: Tensor) -> Self:
        """Those of some images, int64 ``(b,)``."""
        return type(self)(**{name: value[images] for name, value in self._given().items()})

    def to(self, device: torch.device | str) -> Self:
        """On another device."""
        return type(self)(**{name: value.to(device) for name, value in self._given().items()})

    def embed(self, encoder: PromptEncoder) -> EmbeddedPrompts:
        """What SAM's prompt encoder makes of them."""
        points = None
        if self.points is not None and self.labels is not None:
            points = (self.points, self.labels)
        return EmbeddedPrompts(*encoder(points=points, boxes=self.boxes, masks=self.masks))

    def _given(self) -> dict[str, Tensor]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}
