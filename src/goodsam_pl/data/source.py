"""Labelled pinhole images as training sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from albumentations.augmentations.crops.transforms import CropSizeError
from torch.utils.data import Dataset

from goodsam_pl.data.batch import SourceSample
from goodsam_pl.data.decoding import EncodedImage, open_image
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.files import fit_label, read_image, resize_image, resize_label
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.normalization import normalize
from goodsam_pl.data.transforms import Pipeline, draw_generator
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["SourceDataset"]


class SourceDataset(Dataset[SourceSample]):
    """Street photographs with their labels.

    Args:
        entries: files, as a layout lists them.
        taxonomy: class set of the labels.
        size: height and width that images are resized to before the transforms, pixels; ``None``
            keeps each as it is.
        pipeline: transforms of image and label; ``None`` for evaluation.
        labelled: every entry has to have a label; without, all pixels are ignored.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        taxonomy: str,
        size: tuple[int, int] | None = None,
        pipeline: Pipeline | None = None,
        labelled: bool = True,
    ) -> None:
        self.entries = entries
        self.size = size
        self.pipeline = pipeline
        self.labelled = labelled
        self._labels = LabelReader(taxonomy)

    def __len__(self) -> int:
        return len(self.entries)

    def count_pixels(self, classes: int) -> torch.Tensor:
        """How many pixels of each label file have each class, int64 ``(N, classes)``."""
        counts = [np.bincount(self._label(each).ravel(), minlength=256) for each in self.entries]
        return torch.from_numpy(np.stack(counts)[:, :classes])

    def __getitem__(self, index: int) -> SourceSample:
        entry = self.entries[index]
        image, label = self.read(entry)
        if self.pipeline is not None:
            image, label = self._transformed(entry, image, label, index)
        return SourceSample(
            normalize(image), torch.from_numpy(label.copy()).to(torch.int64), entry.name
        )

    def read(self, entry: Entry) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """An image ``(H, W, 3)`` RGB and its trainIds ``(H, W)``, before any transform."""
        with open_image(entry.image) as file:
            label = self._fitting_label(entry, file)
            image = file.pixels()
        if self.size is None:
            return image, label
        return resize_image(image, self.size), resize_label(label, self.size)

    def read_where_labelled(
        self, entry: Entry
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
        """As :meth:`read`, with ``None`` for the trainIds of an entry without label."""
        if entry.label is not None:
            return self.read(entry)
        image = read_image(entry.image)
        return (image if self.size is None else resize_image(image, self.size)), None

    def _transformed(
        self,
        entry: Entry,
        image: npt.NDArray[np.uint8],
        label: npt.NDArray[np.uint8],
        index: int,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        assert self.pipeline is not None  # noqa: S101  # who has none does not ask
        try:
            return self.pipeline.image_and_label(image, label, draw_generator(index))
        except CropSizeError as error:
            height, width = image.shape[:2]
            raise ValueError(
                f"{entry.image}: a crop of train_transforms is larger than the image, which has "
                f"{width}×{height} pixels there ({error}): choose a smaller crop or a larger size, "
                f"or give the crop pad_if_needed: true and fill_mask: {IGNORE_INDEX}"
            ) from error

    def _fitting_label(self, entry: Entry, file: EncodedImage) -> npt.NDArray[np.uint8]:
        if not self.labelled:
            return np.full(file.size, IGNORE_INDEX, np.uint8)
        tolerance = entry.label_format.size_tolerance if entry.label_format else 0
        return fit_label(file, self._label(entry), _label_file(entry), tolerance)

    def _label(self, entry: Entry) -> npt.NDArray[np.uint8]:
        file = _label_file(entry)
        assert entry.label_format is not None  # noqa: S101  # layouts give it with the label
        return self._labels.read(file, entry.label_format)


def _label_file(entry: Entry) -> Path:
    if entry.label is None:
        raise ValueError(f"{entry.image} has no label: source images need one each")
    return entry.label
