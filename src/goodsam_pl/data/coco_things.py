"""COCO as a domain without classes: of each image, the largest thing in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from goodsam_pl.data.decoding import EncodedImage
from goodsam_pl.data.listing import list_images
from goodsam_pl.data.masked_image import MaskedImage
from goodsam_pl.masks.coco_file import Annotation, CocoFile, CocoImage

__all__ = ["CocoThing", "largest_things"]


@dataclass(frozen=True)
class CocoThing:
    """One annotation of a COCO file as a mask.

    Attributes:
        image: the image's things.
        thing: the one that is meant.
    """

    image: CocoImage
    thing: Annotation

    def read(self, image: EncodedImage) -> npt.NDArray[np.bool_]:
        """As :meth:`goodsam_pl.data.masked_image.MaskSource.read`."""
        if image.size != self.image.size:
            (height, width), (tall, wide) = image.size, self.image.size
            raise ValueError(
                f"{image.path}: {width}×{height} pixels, but its COCO file says {wide}×{tall}: "
                "take the image that was annotated"
            )
        return self.image.mask(self.thing, image.size)

    def __str__(self) -> str:
        return self.thing.where


def largest_things(images: Path, annotations: Path) -> list[MaskedImage]:
    """The images of a folder, each with its largest annotated thing.

    How instances become one mask an image is not told of CoSAM's "natural" images; SAMCL's are of
    one thing each. The largest one is our choice: it is deterministic, and never a few pixels.
    Crowds are no things. Images without a thing are left out.

    Args:
        images: their folder, e.g. ``val2017``.
        annotations: COCO file of their instances.

    Raises:
        FileNotFoundError: folder or file is missing.
        ValueError: the file is no COCO file, has no entry for an image, or no image has a thing.
    """
    if not images.is_dir():
        raise FileNotFoundError(f"{images}: no such folder; the images of COCO are expected there")
    file = CocoFile(annotations)
    found = []
    for path in list_images(images).images:
        name = path.relative_to(images).with_suffix("").as_posix()
        image = file.image(name)
        things = [each for each in image.annotations if not each.raw.get("iscrowd")]
        if things:
            found.append(MaskedImage(path, CocoThing(image, max(things, key=_area)), name))
    if not found:
        raise ValueError(f"{annotations}: none of the images in {images} has an annotated thing")
    return found


def _area(thing: Annotation) -> float:
    left, top, right, bottom = thing.box
    area = thing.raw.get("area")
    return float(area) if isinstance(area, (int, float)) else (right - left) * (bottom - top)
