"""Labelled pinhole images, for Lightning."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader

from goodsam_pl.data.band import Band
from goodsam_pl.data.batch import SourceBatch, SourceSample, collate_sources
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.entries import Entry, MissingSplitError, Request, Split, list_entries
from goodsam_pl.data.files import read_image
from goodsam_pl.data.folder_labels import FolderLabels
from goodsam_pl.data.inspection import InspectedSplit, list_past_faults
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import SOURCE_LAYOUTS
from goodsam_pl.data.listing import list_images
from goodsam_pl.data.loading import Loading
from goodsam_pl.data.rare_classes import rare_class_weights
from goodsam_pl.data.resuming import ResumableDataModule
from goodsam_pl.data.source import SourceDataset
from goodsam_pl.data.tolerance import Choose, TolerantCollate, TolerantDataset
from goodsam_pl.data.transforms import Transform, with_labels
from goodsam_pl.taxonomy import get_taxonomy, remap_table

__all__ = ["SourceDataModule"]

_BLANK = 64
"""Height and width of what stands in for a batch without a readable image, pixels."""

log = logging.getLogger(__name__)


class SourceDataModule(ResumableDataModule):
    """Street photographs with labels, from which the teacher assistant learns its classes.

    Args:
        dataset: folder layout: ``cityscapes`` (also a StreetWorld export), ``camvid`` (the SegNet
            split), ``gta5`` (all of it to train on) or ``gta5_split`` (as its authors split it),
            ``voc``, ``voc_aug`` (with SBD's images) or ``voc_trainval``, ``coco``, or ``plain``
            (``images/ labels/ splits/<split>.txt``).
        root: folder of the data set.
        taxonomy: class set that labels are translated to; classes without a counterpart in it are
            ignored.
        size: height and width that images are resized to before the transforms, pixels; ``None``
            keeps each at its own size.
        train_transforms: albumentations of image and label. End with a crop where they change
            sizes.
        batch_size: images of a training batch, per process.
        eval_batch_size: images of a batch in validation, test and prediction.
        num_workers: worker processes of each loader.
        label_taxonomy: class set that label files of the ``plain`` layout are written in; ``None``
            takes ``taxonomy``.
        limit: use only the first so many images of each split.
        rare_class_temperature: draw training images with rare classes more often, see
            :func:`goodsam_pl.data.rare_class_weights`; DAFormer has 0.01. All label files are read
            once before training. ``None`` shows each image once an epoch.
        rare_class_pixels: from how many pixels on an image has a class, in the label file.
        pseudo_labels: train on the labels of this folder, as `goodsam label` writes it; those of
            the data set need not be there then. Validation and test have its true ones.

    Raises:
        ValueError: arguments that contradict each other, named in the message.
    """

    def __init__(
        self,
        *,
        dataset: Literal[
            "cityscapes",
            "camvid",
            "gta5",
            "gta5_split",
            "voc",
            "voc_aug",
            "voc_trainval",
            "coco",
            "plain",
        ],
        root: str,
        taxonomy: str = "cityscapes-19",
        size: tuple[int, int] | None = None,
        train_transforms: list[Transform] | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 1,
        num_workers: int = 2,
        label_taxonomy: str | None = None,
        limit: int | None = None,
        rare_class_temperature: float | None = None,
        rare_class_pixels: int = 3000,
        pseudo_labels: str | None = None,
    ) -> None:
        super().__init__()
        # paths as text, and no objects: checkpoints are read back with weights_only=True
        root = os.fspath(root)
        pseudo_labels = None if pseudo_labels is None else os.fspath(pseudo_labels)
        self.save_hyperparameters(ignore=["train_transforms"], logger=False)
        if limit is not None and limit < 1:
            raise ValueError(f"data.limit is {limit}: choose at least 1, or null for all")
        if rare_class_temperature is not None and not rare_class_temperature > 0:
            raise ValueError(
                f"data.rare_class_temperature is {rare_class_temperature}: choose more than 0, or "
                "null to show each image once an epoch"
            )
        self.rare_class_temperature = rare_class_temperature
        self.rare_class_pixels = rare_class_pixels
        self._weights: torch.Tensor | None = None
        self._unlabelled: set[str] = set()
        self.dataset = dataset
        self.root = Path(root).expanduser()
        self.taxonomy = get_taxonomy(taxonomy)
        # by the words of the configuration: a worker that starts anew finds a class file by them
        self.labels_in = taxonomy
        self.label_taxonomy = label_taxonomy or taxonomy
        get_taxonomy(self.label_taxonomy)
        self.size = None if size is None else (size[0], size[1])
        self.pipeline = with_labels(train_transforms)
        self.limit = limit
        self.pseudo_labels = None if pseudo_labels is None else Path(pseudo_labels).expanduser()
        self.loading = Loading(batch_size, eval_batch_size, num_workers)
        self._entries: dict[str, list[Entry]] = {}
        self._choose: Choose | None = None

    def train_without_labels(self) -> None:
        """Leave the labels of the train split alone: their files need not be there.

        All pixels of its images are ignored then.

        Raises:
            ValueError: images are to be drawn by their classes.
        """
        if self.rare_class_temperature is not None:
            raise ValueError(
                "data.target.rare_class_temperature draws images by their labels, which a target "
                "has none of: give it to data.source"
            )
        self._unlabelled.add("train")

    def examples(self, count: int) -> list[SourceBatch]:
        """Some images of the train split, evenly spread, as training sees them; after ``setup``.

        Args:
            count: how many, or all where there are fewer.

        Returns:
            Batches of one.
        """
        dataset = self._dataset("train", training=True)
        count = min(count, len(dataset))
        chosen = [(2 * index + 1) * len(dataset) // (2 * count) for index in range(count)]
        return [collate_sources([dataset[index]]) for index in chosen]

    def setup(self, stage: str) -> None:
        """List the files of a stage and read the first of each split.

        Raises:
            FileNotFoundError: a folder, an image of a list or a label is missing.
            ValueError: no images, a broken first file, labels that the taxonomy cannot express.
        """
        if stage == "fit":
            self._load("train")
            try:
                self._load("val")
            except MissingSplitError as missing:
                log.info("training without validation: %s", missing)
        elif stage == "validate":
            self._load("val")
        elif stage == "test":
            self._load("test")
        elif stage == "predict":
            self._load("test", check_first=False)

    def train_dataloader(self) -> DataLoader[Any]:
        """Labelled images, augmented, shuffled."""
        dataset = self._dataset("train", training=True)
        return self.loading.training(
            dataset, collate_sources, self.trainer, self.position, self._drawn_by(dataset)
        )

    def val_dataloader(self) -> DataLoader[Any] | list[DataLoader[Any]]:
        """Images of the val split, each once over all processes; none without such a split."""
        return self._evaluation("val") if "val" in self._entries else []

    def test_dataloader(self) -> DataLoader[Any]:
        """Images of the test split, each once over all processes."""
        return self._evaluation("test")

    def predict_dataloader(self) -> DataLoader[Any]:
        """Images of the test split, each once over all processes."""
        if self._choose is None:
            return self._evaluation("test")
        entries = self._entries["test"]
        dataset = TolerantDataset(
            self._dataset("test", training=False), entries, self._choose(entries)
        )
        size = self.size or (_BLANK, _BLANK)
        blank = SourceSample(torch.zeros(3, *size), torch.zeros(size, dtype=torch.int64), "")
        return self.loading.evaluation(
            dataset, TolerantCollate(collate_sources, blank), self.trainer, allow_idle=True
        )

    def predict_chosen(self, choose: Choose) -> None:
        """As of :class:`goodsam_pl.data.PanoramaDataModule`."""
        self._choose = choose
        self.allow_zero_length_dataloader_with_multiple_devices = True

    def locate(self, path: Path) -> Band:
        """All rows of a file: nothing is cut off."""
        with open_image(path) as image:
            return Band(image.size, 0, image.size[0])

    def describe_predictions(self) -> dict[str, Any]:
        """What decides about predictions, as plain values."""
        return {"size": None if self.size is None else list(self.size)}

    def passed_over(self) -> Mapping[str, int]:
        """How many pictures below the root are of kinds that are not read, by suffix."""
        return list_images(self.root).passed_over

    def inspected(self, splits: Sequence[Split]) -> list[InspectedSplit]:
        """All files of some splits, for ``goodsam check-data``; nothing has to be set up."""
        return [self._inspected(split) for split in splits]

    @property
    def listed(self) -> dict[str, list[Path]]:
        """The images of each split that ``setup`` listed."""
        return {
            split: [entry.image for entry in entries] for split, entries in self._entries.items()
        }

    def _drawn_by(self, dataset: SourceDataset) -> torch.Tensor | None:
        if self.rare_class_temperature is None:
            return None
        if self._weights is None:
            pixels = dataset.count_pixels(len(self.taxonomy.classes))
            self._weights = rare_class_weights(
                pixels, self.rare_class_temperature, self.rare_class_pixels
            )
        return self._weights

    def _load(self, split: Split, check_first: bool = True) -> None:
        if split in self._entries:
            return
        labelled = split not in self._unlabelled
        pseudo = self.pseudo_labels if split == "train" and labelled else None
        request = Request(self.root, split, self.label_taxonomy, labelled and pseudo is None)
        entries = list_entries(SOURCE_LAYOUTS, self.dataset, request)[: self.limit]
        if pseudo is not None:
            entries = FolderLabels(pseudo, self.label_taxonomy).of(entries)
        for label_format in {entry.label_format for entry in entries if entry.label_format}:
            remap_table(label_format.taxonomy, self.taxonomy)
        self._entries[split] = entries
        if check_first:
            self._dataset(split, training=False, count=1)[0]

    def _inspected(self, split: Split) -> InspectedSplit:
        labelled = split not in self._unlabelled
        pseudo = self.pseudo_labels if split == "train" and labelled else None
        request = Request(self.root, split, self.label_taxonomy, labelled and pseudo is None)
        found = list_past_faults(SOURCE_LAYOUTS, self.dataset, request, self.labels_in, self.limit)
        if pseudo is not None:
            labels = FolderLabels(pseudo, self.label_taxonomy)
            found = found._replace(entries=labels.expected(found.entries))
        reader = SourceDataset(found.entries, self.labels_in, self.size, labelled=labelled)
        can_train = not labelled or all(each.label for each in found.entries)
        training = SourceDataset(found.entries, self.labels_in, self.size, self.pipeline, labelled)
        return InspectedSplit(
            split,
            found,
            reader.read_where_labelled,
            self.taxonomy.classes,
            image_probes=(("broken", read_image),),
            labels=LabelReader(self.labels_in),
            rehearse=training.__getitem__ if split == "train" and can_train else None,
        )

    def _dataset(self, split: str, training: bool, count: int | None = None) -> SourceDataset:
        return SourceDataset(
            self._entries[split][:count],
            self.labels_in,
            self.size,
            self.pipeline if training else None,
            split not in self._unlabelled,
        )

    def _evaluation(self, split: str) -> DataLoader[Any]:
        dataset = self._dataset(split, training=False)
        return self.loading.evaluation(dataset, collate_sources, self.trainer)
