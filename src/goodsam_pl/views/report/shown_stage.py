"""A stage as a page holds it: small enough to be sent, exact where its pixels are numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from goodsam_pl.views.stage_folder import Stage, StageKind

__all__ = ["ClassColor", "ShownStage", "Span"]

_QUALITY = 80  # a street at 2048×1024 takes about 0.4 MB, and its leaves are still leaves


@dataclass(frozen=True)
class Span:
    """Which latitudes a picture shows; across it is always the whole circle.

    Attributes:
        top: of its upper edge, degrees above the horizon.
        bottom: of its lower edge, negative below the horizon.
    """

    top: float
    bottom: float

    @classmethod
    def centred(cls, vertical_fov: float) -> Self:
        """So many degrees, the horizon in the middle."""
        return cls(vertical_fov / 2, -vertical_fov / 2)

    @property
    def height(self) -> float:
        """Degrees."""
        return self.top - self.bottom


@dataclass(frozen=True)
class ClassColor:
    """A class of the legend: its name, and its colour as RGB."""

    name: str
    color: tuple[int, int, int]


@dataclass(frozen=True)
class ShownStage:
    """A stage of a panorama, encoded.

    Attributes:
        title: how the page calls it.
        kind: as of :class:`goodsam_pl.views.stage_folder.Stage`.
        span: where it lies on the sphere.
        classes: of its ids, for labels.
        media_type: of the content.
        content: a JPEG of an image, else a PNG: 8-bit grey for labels and weights.
    """

    title: str
    kind: StageKind
    span: Span
    classes: tuple[ClassColor, ...]
    media_type: str
    content: bytes

    @classmethod
    def encode(
        cls, stage: Stage, span: Span, classes: Sequence[ClassColor], width: int
    ) -> ShownStage:
        """Bring a stage to at most a width, and encode it.

        Ids and masks are taken from the nearest pixel; pictures and weights are averaged.

        Args:
            stage: named by its title.
            span: where it lies.
            classes: for labels; ignored for other kinds.
            width: pixels, at most.
        """
        content = io.BytesIO()
        image = _picture(stage)
        if image.width > width:
            exact = stage.kind in {"labels", "masks"}
            size = (width, max(1, round(width * image.height / image.width)))
            resample = Image.Resampling.NEAREST if exact else Image.Resampling.BOX
            image = image.resize(size, resample)
        if stage.kind == "image":
            image.save(content, format="JPEG", quality=_QUALITY, optimize=True)
        else:
            image.save(content, format="PNG", optimize=True)
        return cls(
            title=stage.name,
            kind=stage.kind,
            span=span,
            classes=tuple(classes) if stage.kind == "labels" else (),
            media_type="image/jpeg" if stage.kind == "image" else "image/png",
            content=content.getvalue(),
        )


def _picture(stage: Stage) -> Image.Image:
    """As Pillow has it; masks of few colours as numbers of colours, which take a third."""
    if stage.kind != "masks":
        return Image.fromarray(stage.pixels)
    packed = stage.pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colors, places = np.unique(packed, return_inverse=True)
    if len(colors) > 256:
        return Image.fromarray(stage.pixels)
    picture = Image.fromarray(places.reshape(packed.shape).astype(np.uint8))
    picture.putpalette(b"".join(int(color).to_bytes(3, "big") for color in colors))
    return picture
