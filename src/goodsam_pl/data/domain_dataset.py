"""Images of domains as training and evaluation see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from goodsam_pl.data.domain_batch import DomainSample, Original
from goodsam_pl.data.drawn_prompts import (
    Floats,
    Mask,
    PromptKind,
    box_of,
    inner_points,
    noisy_box,
    noisy_mask,
    points_in,
)
from goodsam_pl.data.masked_image import ImageWithMask, MaskedImage, resize_mask
from goodsam_pl.data.normalization import normalize
from goodsam_pl.data.scale_jitter import ScaleJitter
from goodsam_pl.data.square_frame import SquareFrame
from goodsam_pl.data.transforms import draw_generator

__all__ = ["DomainDataset", "DomainImage", "Views"]


@dataclass(frozen=True)
class Views:
    """How images become squares, and masks prompts.

    Defaults are those of CoSAM for SAM ViT-B, unless they are called ours.

    Attributes:
        side: S of the square, pixels, which the image encoder takes.
        jitter: smallest and largest factor of large-scale jitter; ``None`` trains on images as they
            are evaluated, so that a frozen encoder's embeddings can be kept; one an image without
            ``flip``, two with it.
        flip: mirror half of the training images.
        prompts: kinds that training draws from, all equally likely, for each sample anew.
        points: P of a prompt of points.
        box_noise: standard deviation of the sides of training boxes as a share of its width and
            height; 0 gives the exact box.
        mask_side: of mask prompts, pixels: that of SAM's low-resolution logits.
        mask_levels: of mask prompts, outside and inside; logits are our choice.
        evaluation_box: evaluation prompts with the box of the mask: ``original``, of the mask in
            its own size, brought into the square (our choice: it does not depend on the square), or
            ``resized``, of the mask in the square, bilinear and cut at 128 of 255, as released; it
            may be up to a pixel larger or smaller.
        evaluation: what evaluation prompts with: that ``box``, or as many ``points`` as training
            has, by :func:`goodsam_pl.data.drawn_prompts.inner_points` (our choice: for a SAM that
            was never taught boxes, as ``vit_nano``).

    Raises:
        ValueError: a value that cannot be.
    """

    side: int = 1024
    jitter: tuple[float, float] | None = (0.1, 2.0)
    flip: bool = True
    prompts: tuple[PromptKind, ...] = ("box", "points", "mask")
    points: int = 10
    box_noise: float = 0.0
    mask_side: int = 256
    mask_levels: tuple[float, float] = (-10.0, 10.0)
    evaluation_box: Literal["original", "resized"] = "original"
    evaluation: Literal["box", "points"] = "box"

    def __post_init__(self) -> None:
        for name in ("side", "points", "mask_side"):
            if getattr(self, name) < 1:
                raise ValueError(f"views.{name} is {getattr(self, name)}: choose at least 1")
        if not self.prompts:
            raise ValueError("views.prompts is empty: give box, points or mask, or some of them")
        if self.box_noise < 0:
            raise ValueError(f"views.box_noise is {self.box_noise}: choose 0 or more")
        if self.jitter is not None:
            ScaleJitter(self.side, (self.jitter[0], self.jitter[1]))


class DomainImage(NamedTuple):
    """An image and the column of its domain in the matrix."""

    image: MaskedImage
    domain: int


class DomainDataset(Dataset[DomainSample]):
    """Images of one domain or several.

    Args:
        images: what there is.
        views: how they are seen.
        training: with jitter, flip and drawn prompts; without, as evaluation is.
    """

    def __init__(self, images: Sequence[DomainImage], views: Views, training: bool) -> None:
        self.images = images
        self.views = views
        self.training = training

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> DomainSample:
        if self.training:
            return self.draw(index, draw_generator(index))
        item, views = self.images[index], self.views
        pair = item.image.read()
        frame = SquareFrame(_size(pair.mask), views.side)
        original = Original(frame, torch.from_numpy(pair.mask))
        image, mask = frame.image(pair.image), frame.mask(pair.mask)
        if views.evaluation == "points":
            points = frame.points(inner_points(pair.mask, views.points))
            return _sample(item, image, mask, "points", points, original)
        if views.evaluation_box == "original":
            box = frame.points(box_of(pair.mask).reshape(2, 2)).ravel()
        else:
            box = box_of(_bilinear(pair.mask, frame.inner))
        return _sample(item, image, mask, "box", box, original)

    def draw(self, index: int, random: np.random.Generator) -> DomainSample:
        """A training sample."""
        item, views = self.images[index], self.views
        pair = item.image.read()
        if views.flip and random.uniform() < 0.5:
            pair = ImageWithMask(pair.image[:, ::-1], pair.mask[:, ::-1])
        if views.jitter is None:
            frame = SquareFrame(_size(pair.mask), views.side)
            image, mask = frame.image(np.ascontiguousarray(pair.image)), frame.mask(pair.mask)
        else:
            jitter = ScaleJitter(views.side, (views.jitter[0], views.jitter[1]))
            pair = jitter(ImageWithMask(np.ascontiguousarray(pair.image), pair.mask), random)
            image, mask = normalize(pair.image), pair.mask
        kind = views.prompts[int(random.integers(len(views.prompts)))]
        return _sample(item, image, mask, kind, self._prompt(kind, mask, random))

    def _prompt(self, kind: PromptKind, mask: Mask, random: np.random.Generator) -> Floats:
        views = self.views
        if kind == "points":
            return points_in(mask, views.points, random)
        if kind == "mask":
            return noisy_mask(mask, views.mask_side, random, views.mask_levels)
        box = box_of(mask)
        return noisy_box(box, _size(mask), random, views.box_noise) if views.box_noise else box


def _sample(
    item: DomainImage,
    image: torch.Tensor,
    mask: Mask,
    kind: PromptKind,
    prompt: Floats,
    original: Original | None = None,
) -> DomainSample:
    return DomainSample(
        image=image,
        mask=torch.from_numpy(np.ascontiguousarray(mask)),
        kind=kind,
        prompt=torch.from_numpy(prompt),
        domain=item.domain,
        name=item.image.name,
        file=item.image.image,
        original=original,
    )


def _size(mask: Mask) -> tuple[int, int]:
    return mask.shape[0], mask.shape[1]


def _bilinear(mask: Mask, size: tuple[int, int]) -> Mask:
    """Resized as released; where nothing is left of it, by the nearest pixels."""
    whole = torch.from_numpy(mask).float()[None, None]
    resized = F.interpolate(whole, size, mode="bilinear", align_corners=False)[0, 0] > 128 / 255
    return resized.numpy() if resized.any() else resize_mask(mask, size)
