"""The panoramas of every stage, for Lightning."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from goodsam_pl.data.augment import possible_shifts
from goodsam_pl.data.band import Band
from goodsam_pl.data.batch import PanoramaBatch, PanoramaSample, collate_panoramas
from goodsam_pl.data.entries import Split
from goodsam_pl.data.inspection import InspectedSplit
from goodsam_pl.data.listing import list_images
from goodsam_pl.data.loading import Loading
from goodsam_pl.data.panorama import Augmentation, PanoramaDataset, StoredTargets
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.data.panorama_splits import PanoramaSplits
from goodsam_pl.data.resuming import ResumableDataModule
from goodsam_pl.data.targets import TargetStore
from goodsam_pl.data.tolerance import Choose, TolerantCollate, TolerantDataset
from goodsam_pl.data.transforms import Transform, photometric
from goodsam_pl.files import ContentKeys, fingerprint_of
from goodsam_pl.files.processes import learn_together
from goodsam_pl.geometry import CrossedWindows, WindowGrid, Windows
from goodsam_pl.masks.store import MaskStore
from goodsam_pl.taxonomy import get_taxonomy

__all__ = ["PanoramaDataModule"]

Stage = Literal["fit", "validate", "test", "predict"]


class PanoramaDataModule(ResumableDataModule):
    """Unlabelled panoramas to train on, labelled or unlabelled ones to evaluate and predict.

    Labels of the train split are never read, wherever they lie; labels that no human drew may be
    given in their place. Validation during training needs
    labels: without a labelled ``val`` split there is none.

    Args:
        dataset: folder layout: ``densepass`` (also a StreetWorld export), ``wildpass``,
            ``stanford2d3d``, ``folder`` (every image below ``root``), or ``plain``
            (``images/ labels/ splits/<split>.txt``).
        root: folder of the data set.
        taxonomy: class set of the networks.
        evaluation_taxonomy: class set that labels are translated to, and that predictions are
            scored in; ``None`` takes ``taxonomy``.
        size: height and width that panoramas are resized to, pixels.
        vertical_fov: vertical field of view of a panorama of that size, degrees; 180 for the full
            sphere.
        file_vertical_fov: vertical field of view of files that do not say it in GPano tags,
            degrees, where it is larger: the band around the horizon is cut out. ``None`` takes
            ``vertical_fov``.
        aspect_tolerance: how far the aspect of a file (and of ``size``) may be from that of the
            field of view, relative.
        windows: ``sliding`` gives batches GoodSAM's windows, of ``window_size``; ``crossed`` those
            of GoodSAM++, a horizontal and a vertical family.
        window_size: height and width of the sliding windows, pixels. SAM looks through these,
            whatever ``windows`` is.
        window_stride: largest vertical and horizontal step between windows, pixels.
        horizontal_window_size: of the wide, flat windows of ``crossed``.
        horizontal_window_stride: largest steps between wide windows.
        vertical_window_size: of the narrow, tall windows of ``crossed``.
        vertical_window_stride: largest steps between tall windows.
        mask_root: folder of the mask store; ``None`` for batches without masks.
        mask_splits: the splits whose batches carry masks, of ``train``, ``val``, ``test`` and
            ``predict``. SAM looks at each of their panoramas once.
        words_root: what words have found in the panoramas, for a fusion that hears it
            (:class:`goodsam_pl.fusion.WordVoter`): a folder of ``goodsam label``, or a COCO file
            with masks. Batches that carry masks carry it, too; ``None`` for batches without.
        batch_size: panoramas of a training batch, per process.
        eval_batch_size: panoramas of a batch in validation, test and prediction.
        num_workers: worker processes of each loader.
        transforms: albumentations that change colours, for training.
        roll: turn training panoramas by a random yaw, masks alike.
        flip: mirror half of the training panoramas, masks alike.
        label_taxonomy: class set that label files of the ``plain`` layout are written in; ``None``
            takes ``taxonomy``.
        predict_split: what ``predict`` runs on.
        limit: use only the first so many panoramas of each split.
        pseudo_labels: train on the labels of this folder, as `goodsam label` writes it; validation
            and test have true ones.

    Raises:
        ValueError: arguments that contradict each other, named in the message.
    """

    def __init__(
        self,
        *,
        dataset: Literal["densepass", "wildpass", "stanford2d3d", "folder", "plain"],
        root: str,
        taxonomy: str = "cityscapes-19",
        evaluation_taxonomy: str | None = None,
        size: tuple[int, int] = (192, 1024),
        vertical_fov: float = 67.5,
        file_vertical_fov: float | None = None,
        aspect_tolerance: float = 0.05,
        windows: Literal["sliding", "crossed"] = "sliding",
        window_size: tuple[int, int] = (192, 192),
        window_stride: tuple[int, int] = (192, 128),
        horizontal_window_size: tuple[int, int] = (96, 256),
        horizontal_window_stride: tuple[int, int] = (96, 256),
        vertical_window_size: tuple[int, int] = (192, 128),
        vertical_window_stride: tuple[int, int] = (192, 128),
        mask_root: str | None = None,
        mask_splits: list[Literal["train", "val", "test", "predict"]] | None = None,
        words_root: str | None = None,
        batch_size: int = 2,
        eval_batch_size: int = 1,
        num_workers: int = 2,
        transforms: list[Transform] | None = None,
        roll: bool = True,
        flip: bool = True,
        label_taxonomy: str | None = None,
        predict_split: Literal["train", "val", "test"] = "test",
        limit: int | None = None,
        pseudo_labels: str | None = None,
    ) -> None:
        super().__init__()
        # paths as text, and no objects: checkpoints are read back with weights_only=True
        root = os.fspath(root)
        pseudo_labels = None if pseudo_labels is None else os.fspath(pseudo_labels)
        mask_root = None if mask_root is None else os.fspath(mask_root)
        words_root = None if words_root is None else os.fspath(words_root)
        self.save_hyperparameters(ignore=["transforms"], logger=False)
        if limit is not None and limit < 1:
            raise ValueError(f"data.limit is {limit}: choose at least 1, or null for all")
        self.dataset = dataset
        self.root = Path(root).expanduser()
        self.taxonomy = get_taxonomy(taxonomy)
        self.evaluation_taxonomy = (
            get_taxonomy(evaluation_taxonomy) if evaluation_taxonomy else None
        )
        get_taxonomy(label_taxonomy or taxonomy)
        self.format = PanoramaFormat(
            (size[0], size[1]), vertical_fov, file_vertical_fov or vertical_fov, aspect_tolerance
        )
        self.view = self.format.view
        self.mask_windows = WindowGrid.cover(self.format.size, window_size, window_stride)
        self.windows: Windows = self.mask_windows
        if windows == "crossed":
            self.windows = CrossedWindows.cover(
                self.format.size,
                horizontal_window_size,
                horizontal_window_stride,
                vertical_window_size,
                vertical_window_stride,
            )
        self.mask_root = None if mask_root is None else Path(mask_root).expanduser()
        self.mask_splits = frozenset(mask_splits if mask_splits is not None else ["train"])
        self.augmentation = Augmentation(photometric(transforms), roll, flip)
        if self.mask_root is not None and (roll or flip):
            possible_shifts(self.windows, mirror=flip)
        self.predict_split = predict_split
        self.limit = limit
        self.loading = Loading(batch_size, eval_batch_size, num_workers)
        self._splits = PanoramaSplits(
            layout=dataset,
            root=self.root,
            label_taxonomy=label_taxonomy or taxonomy,
            labels_in=evaluation_taxonomy or taxonomy,
            learned_in=taxonomy,
            pseudo_labels=None if pseudo_labels is None else Path(pseudo_labels).expanduser(),
            format=self.format,
            windows=self.windows,
            mask_root=self.mask_root,
            mask_roles=self.mask_splits,
            words_root=None if words_root is None else Path(words_root).expanduser(),
            limit=limit,
        )
        self._targets: TargetStore | None = None
        self._training: PanoramaDataset | None = None
        self._choose: Choose | None = None

    def setup(self, stage: str) -> None:
        """List the files of a stage and read the first of each split.

        Not of splits with masks: whoever computes these reads every file, and says what is wrong.
        Not for prediction, which goes on past broken files.

        Raises:
            FileNotFoundError: a folder, an image of a list or a label is missing.
            ValueError: no images, a broken first file, or one of the wrong aspect.
        """
        if stage == "fit":
            self._targets = self._training = None  # of an earlier training, with other teachers
            self._splits.load("train", "train")
            self._splits.load_validation()
        elif stage == "validate":
            self._splits.load("val", "val")
        elif stage == "test":
            self._splits.load("test", "test")
        elif stage == "predict":
            self._splits.load("predict", self.predict_split)

    def train_dataloader(self) -> DataLoader[Any]:
        """Unlabelled panoramas, augmented, shuffled."""
        self._splits.learn_keys("train")
        dataset = self._splits.dataset("train", self.augmentation, self._targets)
        self._training = dataset
        return self.loading.training(dataset, self._collate, self.trainer, self.position)

    def val_dataloader(self) -> DataLoader[Any] | list[DataLoader[Any]]:
        """Panoramas of the val split, each once over all processes; none if it has no labels."""
        return self._evaluation("val") if "val" in self._splits else []

    def test_dataloader(self) -> DataLoader[Any]:
        """Panoramas of the test split, each once over all processes."""
        return self._evaluation("test")

    def predict_dataloader(self) -> DataLoader[Any]:
        """Panoramas of ``predict_split``, without labels, each once over all processes."""
        if self._choose is None:
            return self._evaluation("predict")
        entries = self._splits.entries("predict")
        dataset = TolerantDataset(self._splits.dataset("predict"), entries, self._choose(entries))
        blank = PanoramaSample(torch.zeros(3, *self.format.size), None, None, "")
        return self.loading.evaluation(
            dataset, TolerantCollate(self._collate, blank), self.trainer, allow_idle=True
        )

    def predict_chosen(self, choose: Choose) -> None:
        """Predict only what is chosen, and go on past files that cannot be read.

        Args:
            choose: asked in every process each time that the loader is made, with the weights in
                place; all must be told the same. Batches tell about unreadable files.
        """
        self._choose = choose
        self.allow_zero_length_dataloader_with_multiple_devices = True

    def locate(self, path: Path) -> Band:
        """Which rows of a file its prediction is of.

        Raises:
            OSError: the system does not let it be read.
            ValueError: the file is no such panorama.
        """
        return self.format.locate(path)

    def describe_predictions(self) -> dict[str, Any]:
        """What decides about predictions, as plain values: size, angles, windows."""
        return {"size": list(self.format.size), **self.view, "windows": repr(self.windows)}

    def passed_over(self) -> Mapping[str, int]:
        """How many pictures below the root are of kinds that are not read, by suffix."""
        return list_images(self.root).passed_over

    def inspected(self, splits: Sequence[Split]) -> list[InspectedSplit]:
        """All files of some splits, for ``goodsam check-data``; nothing has to be set up."""
        return [self._splits.inspected(split) for split in splits]

    def panorama_files(self, stage: Stage) -> list[Path]:
        """The panoramas of a stage whose masks will be asked for, after ``setup``.

        Args:
            stage: as Lightning calls it.
        """
        splits = {
            "fit": ("train", "val"),
            "validate": ("val",),
            "test": ("test",),
            "predict": ("predict",),
        }[stage]
        return [
            file
            for split in splits
            if split in self.mask_splits and split in self._splits
            for file in self._splits.files(split)
        ]

    @property
    def listed(self) -> dict[str, list[Path]]:
        """The panoramas of each split that ``setup`` listed, without those left out."""
        return self._splits.listed

    @property
    def keys(self) -> ContentKeys:
        """Of the panoramas' files, by their content; those with masks are known after ``setup``."""
        return self._splits.keys

    @property
    def training_files(self) -> list[Path]:
        """The panoramas of the train split, after ``setup``."""
        return self._splits.files("train")

    def training_panorama(self, index: int) -> PanoramaBatch:
        """One of :attr:`training_files` with its masks, unaugmented, as a batch of one."""
        return collate_panoramas([self._splits.dataset("train")[index]], self.windows)

    def examples(self, role: Split, count: int) -> list[PanoramaBatch]:
        """Some panoramas of a split, always the same, evenly spread, unaugmented; after ``setup``.

        Args:
            role: the split; its panoramas come with masks where :attr:`mask_splits` has it.
            count: how many, or all where there are fewer.

        Returns:
            Batches of one.
        """
        dataset = self._splits.dataset(role)
        count = min(count, len(dataset))
        chosen = [(2 * index + 1) * len(dataset) // (2 * count) for index in range(count)]
        return [collate_panoramas([dataset[index]], self.windows) for index in chosen]

    def panorama(self, path: Path, *, masks: bool = True) -> PanoramaBatch:
        """One panorama, unaugmented, whether it is of a split or any other file.

        It comes with its label where it is of a split and has one there. Nothing has to be set up.

        Args:
            path: the file.
            masks: with its masks, where there is a :attr:`mask_root`.

        Returns:
            A batch of one.

        Raises:
            FileNotFoundError: there is no such file, or no store at ``mask_root``.
            ValueError: it is no such panorama, or the store has no masks of it.
        """
        dataset = self._splits.one(path, masks=masks)
        return collate_panoramas([dataset[0]], self.windows)

    def has_masks(self, role: str) -> bool:
        """Whether a split was listed, and its panoramas come with masks."""
        return self._splits.has_masks(role)

    def describe_masks(self) -> dict[str, str]:
        """What decides about the masks of a panorama: its view, the windows, who made them."""
        store = None if self.mask_root is None else MaskStore.open(self.mask_root).fingerprint
        return {"masks": str(store), "windows": repr(self.windows), "view": repr(self.view)}

    def mask_contents(self) -> dict[str, str]:
        """SHA-256 of what is stored of each training panorama's masks, by the panorama's key.

        Where words were asked for, what they have found counts as well. All processes take part.
        Records of masks that did not change since they were read last are not read.
        """
        if self.mask_root is None or not MaskStore.is_at(self.mask_root):
            return {}
        store = MaskStore.open(self.mask_root)
        keys = [key for file in self.training_files if (key := self.keys(file)) in store]
        records = [store.path(key) for key in keys]
        learn_together(store.keys, records)
        contents = {key: store.keys(record) for key, record in zip(keys, records, strict=True)}
        for file, words in self._splits.word_contents("train").items():
            if (key := self.keys(file)) in contents:
                contents[key] = fingerprint_of({"masks": contents[key], "words": words})
        return contents

    def use_targets(self, targets: TargetStore) -> None:
        """Train on stored targets until the next ``setup``, in the place of SAM's masks.

        So does a loader for training that is there already, if nobody has begun to read from it.
        """
        self._targets = targets
        if self._training is not None:
            stored = StoredTargets(targets, self.training_files, self.keys)
            self._training.learn_from(stored)

    def read_panorama(self, path: Path) -> Tensor:
        """Read a panorama exactly as training sees it, without augmentation.

        Returns:
            RGB uint8 ``(3, H, W)``.
        """
        return self.format.read_tensor(path)

    def leave_out(self, files: Collection[Path]) -> None:
        """Go on without some panoramas, in all splits whose batches carry masks.

        Args:
            files: what could not be read, or has no masks. In training in several processes, all
                must leave out the same.

        Raises:
            ValueError: a split would be empty.
        """
        self._splits.leave_out(files)

    def _evaluation(self, role: str) -> DataLoader[Any]:
        self._splits.learn_keys(role)
        return self.loading.evaluation(self._splits.dataset(role), self._collate, self.trainer)

    @property
    def _collate(self) -> Any:
        return partial(collate_panoramas, windows=self.windows)
