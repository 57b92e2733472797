"""How one image's label is refined: read, drawn again by a SAM, pictures and a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from goodsam_pl.callbacks.prediction_outcome import shares_by_class
from goodsam_pl.cli.labels.label_pictures import label_pictures, picture_kinds
from goodsam_pl.cli.labels.label_work import SeenImage
from goodsam_pl.cli.labels.looking import Look, look_through
from goodsam_pl.cli.labels.teacher import TeacherLabels
from goodsam_pl.cli.labels.thing_records import thing_record
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.files import read_image
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.files import content_key
from goodsam_pl.masks.concepts import Concept
from goodsam_pl.masks.refined_labels import MaskRefiner, Refinement, refine_label
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["Refining"]


@dataclass(frozen=True)
class Refining:
    """How labels are refined.

    Attributes:
        taxonomy: classes of the labels.
        teacher: who says the labels; ``None`` where label files do.
        refiner: draws their parts again.
        how: what becomes of what is drawn.
        look: the windows.
        overlay_width: overlays are at most so wide, pixels; 0 for none.
    """

    taxonomy: Taxonomy
    teacher: TeacherLabels | None
    refiner: MaskRefiner
    how: Refinement
    look: Look
    overlay_width: int

    def describe(self) -> dict[str, Any]:
        """Everything that decides about labels besides the images and their label files."""
        size, stride, wrap = self.look
        chosen = self.how.classes
        names = [self.taxonomy.classes[each] for each in sorted(chosen or ())]
        return {
            "refiner": self.refiner.describe(),
            "classes": self.taxonomy.to_dict(),
            "teacher": None if self.teacher is None else self.teacher.sha256,
            "rule": self.how.rule,
            "least_agreement": self.how.least_agreement,
            "agreement": self.how.agreement,
            "only": None if chosen is None else names,
            "window_size": size,
            "window_stride": stride,
            "panorama": wrap,
            "overlay_width": self.overlay_width,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """Folders of pictures."""
        return picture_kinds(self.overlay_width)

    def read(self, entry: Entry) -> SeenImage:
        """Read an image, and its label, or let the teacher say it.

        Raises:
            OSError: a file cannot be read.
            ValueError: one is broken; the label has another size than the image, or an id that its
                classes do not have.
        """
        key = content_key(entry.image)
        pixels = read_image(entry.image)
        if self.teacher is not None:
            return SeenImage(entry.name, key, pixels, self.teacher.look(entry.image))
        assert entry.label is not None  # noqa: S101  # for mypy: all have one or there is a teacher
        assert entry.label_format is not None  # noqa: S101  # for mypy: as above
        label_key = content_key(entry.label)
        label = LabelReader(self.taxonomy, "--classes").read(entry.label, entry.label_format)
        _check_size(entry.label, label.shape, pixels.shape[:2])
        return SeenImage(entry.name, key, pixels, label, label_key)

    def label(self, image: SeenImage) -> tuple[Mapping[str, bytes], dict[str, Any]]:
        """Pictures of an image, by their kind, and its record."""
        assert image.taught is not None  # noqa: S101  # for mypy: read() gives it
        pixels = torch.from_numpy(image.pixels).permute(2, 0, 1).contiguous()
        size = (pixels.shape[1], pixels.shape[2])
        windows = look_through(size, self.look)
        refined = refine_label(
            pixels, image.taught, windows, self.refiner, self.how, self.taxonomy.ignore_index
        )
        pictures = label_pictures(image.pixels, refined.label, self.taxonomy, self.overlay_width)
        concepts = [Concept(name, (name,)) for name in self.taxonomy.classes]
        record = {
            "image": image.name,
            "sha256": image.sha256,
            "label_sha256": image.label_sha256,
            "size": list(size),
            "claimed": round(float(refined.claimed.mean()), 6),
            "changed": round(float((refined.label != image.taught).mean()), 6),
            "parts": refined.parts,
            "believed": refined.believed,
            "shares": shares_by_class(refined.label, self.taxonomy),
            "things": [thing_record(mask, size, concepts) for mask in refined.masks],
        }
        return pictures, record


def _check_size(path: Path, size: tuple[int, ...], image: tuple[int, ...]) -> None:
    if size != image:
        raise ValueError(
            f"{path} has {size[1]}×{size[0]} pixels, its image {image[1]}×{image[0]}: write labels "
            "in the size of their images"
        )
