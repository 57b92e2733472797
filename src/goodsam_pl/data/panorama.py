"""Equirectangular images as training sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from goodsam_pl.data.augment import Turn, draw_turn
from goodsam_pl.data.band import Band
from goodsam_pl.data.batch import PanoramaSample
from goodsam_pl.data.files import (
    check_pair,
    read_image,
    read_size,
    resize_image,
    resize_label,
)
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import Entry
from goodsam_pl.data.normalization import normalize
from goodsam_pl.data.targets import TargetStore, TeacherTargets
from goodsam_pl.data.transforms import Pipeline, draw_generator
from goodsam_pl.geometry import Windowed, Windows
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["Augmentation", "PanoramaDataset", "PanoramaFormat", "StoredMasks", "StoredTargets"]


@dataclass(frozen=True)
class PanoramaFormat:
    """How panorama files become arrays of one size.

    A file spans 360° in width. Where its vertical field of view is larger than the one wanted,
    the band around the horizon is cut out of it.

    Attributes:
        size: height and width of the result, pixels.
        vertical_fov: vertical field of view of the result, degrees.
        file_vertical_fov: vertical field of view of the files, degrees.
        aspect_tolerance: how far a file's aspect may be from square pixels, relative.
    """

    size: tuple[int, int]
    vertical_fov: float
    file_vertical_fov: float
    aspect_tolerance: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.vertical_fov <= self.file_vertical_fov <= 180:
            raise ValueError(
                f"vertical_fov {self.vertical_fov:g}° must lie between 0° and that of the files, "
                f"{self.file_vertical_fov:g}° (file_vertical_fov, at most 180°)"
            )
        height, width = self.size
        if self._is_off(height, width, self.vertical_fov):
            raise ValueError(
                f"size {height}×{width} has the aspect of {360 * height / width:.1f}° by 360°, but "
                f"vertical_fov is {self.vertical_fov:g}°: make them agree, or raise "
                "aspect_tolerance if pixels need not be square"
            )

    @property
    def view(self) -> dict[str, float]:
        """The part of the sphere that is read, angles in degrees: masks belong to it."""
        return {"vertical_fov": self.vertical_fov, "file_vertical_fov": self.file_vertical_fov}

    def locate(self, path: Path) -> Band:
        """Which rows of a file are read; only its header is looked at.

        Raises:
            ValueError: an unreadable file, or one whose aspect is not that of 360° by
                ``file_vertical_fov``.
        """
        return self._band(path, read_size(path))

    def read(self, path: Path) -> npt.NDArray[np.uint8]:
        """Read a panorama: RGB ``(H, W, 3)`` uint8 of the configured size.

        Raises:
            ValueError: as for :meth:`locate`, or a broken file.
        """
        image = read_image(path)
        return self._fit_image(image, self._band(path, _size(image)))

    def read_tensor(self, path: Path) -> Tensor:
        """As :meth:`read`, ``(3, H, W)``."""
        return torch.from_numpy(self.read(path)).permute(2, 0, 1).contiguous()

    def fit_mask(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Bring a mask of a whole file to the configured band and size, nearest neighbour.

        Args:
            mask: ``(h, w)`` bool, of a file.

        Raises:
            ValueError: its aspect is not that of the files.
        """
        height, width = mask.shape
        if self._is_off(height, width, self.file_vertical_fov):
            raise ValueError(
                f"a mask has {width}×{height} pixels, 360° by {360 * height / width:.1f}°, but "
                f"files are said to have {self.file_vertical_fov:g}°: set vertical_fov and "
                "file_vertical_fov to those of the files, or window_size to that of the masks"
            )
        band = self._centred(_size(mask))
        return resize_label(mask[band.rows].astype(np.uint8), self.size).astype(bool)

    def read_labelled(
        self, entry: Entry, labels: LabelReader
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
        """Read a panorama and, where it has one, its label ``(H, W)`` of trainIds."""
        image = read_image(entry.image)
        band = self._band(entry.image, _size(image))
        if entry.label is None or entry.label_format is None:
            return self._fit_image(image, band), None
        label = labels.read(entry.label, entry.label_format)
        check_pair(image, label, entry.image, entry.label)
        if entry.label_format.black_is_void:
            label[(image == 0).all(axis=2)] = IGNORE_INDEX
        return self._fit_image(image, band), resize_label(label[band.rows], self.size)

    def _fit_image(self, image: npt.NDArray[np.uint8], band: Band) -> npt.NDArray[np.uint8]:
        return resize_image(image[band.rows], self.size)

    def _band(self, path: Path, file_size: tuple[int, int]) -> Band:
        """What is read of a file of that size."""
        height, width = file_size
        if self._is_off(height, width, self.file_vertical_fov):
            raise ValueError(
                f"{path}: {width}×{height} pixels are 360° by {360 * height / width:.1f}°, but "
                f"{self.file_vertical_fov:g}° are configured: set file_vertical_fov (or "
                "vertical_fov) to that of the files, or raise aspect_tolerance if their pixels "
                "are not square"
            )
        return self._centred(file_size)

    def _centred(self, file_size: tuple[int, int]) -> Band:
        return Band.around(file_size, file_size[0] * self.vertical_fov / self.file_vertical_fov)

    def _is_off(self, height: int, width: int, vertical_fov: float) -> bool:
        return abs(360 * height / width / vertical_fov - 1) > self.aspect_tolerance


def _size(pixels: npt.NDArray[Any]) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return height, width


class StoredMasks:
    """SAM's masks of a list of panoramas.

    Args:
        root: folder of the mask store.
        files: panoramas whose masks will be asked for.
        windows: the grid that the store must have been made for; masks of whole panoramas are cut
            into these windows, whatever they are.
        view: the part of the sphere that it must have been made for.

    Raises:
        FileNotFoundError: the store does not exist.
        ValueError: it is for other windows, or a panorama has no masks in it.
    """

    def __init__(
        self, root: Path, files: Sequence[Path], windows: Windows, view: dict[str, float]
    ) -> None:
        # here, because batches without masks need no part of SAM
        from goodsam_pl.sam.store import MaskStore, image_key  # noqa: PLC0415

        self._store = MaskStore.open(root)
        fits = self._store.whole and self._store.windows.image_size == windows.image_size
        if not fits and self._store.windows != windows:
            raise ValueError(
                f"{root} holds masks for {self._store.windows}, data asks for {windows}: set "
                "size, window_size and window_stride as they were, or name another mask_root "
                "(crossed windows are cut out of masks of whole panoramas: PrecomputeSAM with mode "
                "panorama or quick)"
            )
        self._windows = windows
        if self._store.view != view:
            raise ValueError(
                f"{root} holds masks of panoramas with {self._store.view}, data has {view}: name "
                "another mask_root, or set the angles as they were"
            )
        self._keys = [image_key(path) for path in files]
        missing = [
            path for path, key in zip(files, self._keys, strict=True) if key not in self._store
        ]
        if missing:
            raise ValueError(
                f"{root} has no masks for {missing[0]} and {len(missing) - 1} more of "
                f"{len(files)} panoramas: put the callback PrecomputeSAM into trainer.callbacks"
            )

    def __getitem__(self, index: int) -> Windowed:
        """Mask layers of one panorama, int16 ``(N, L, h, w)``, -1 = no mask, of each family."""
        key = self._keys[index]
        layers = tuple(self._store.layers(key, grid) for grid in self._windows.families)
        return layers if len(layers) > 1 else layers[0]


class StoredTargets:
    """What frozen teachers say about a list of panoramas.

    Args:
        store: where it is stored.
        files: the panoramas.
    """

    def __init__(self, store: TargetStore, files: Sequence[Path]) -> None:
        from goodsam_pl.sam.store import image_key  # noqa: PLC0415  # as above

        self._store = store
        self._keys = [image_key(path) for path in files]

    def __getitem__(self, index: int) -> TeacherTargets:
        """The targets of one panorama."""
        return self._store.read(self._keys[index])


@dataclass(frozen=True)
class Augmentation:
    """What varies from visit to visit.

    Attributes:
        pipeline: changes of colour.
        roll: turn the panorama by a random yaw.
        flip: mirror it half of the time.
    """

    pipeline: Pipeline
    roll: bool = True
    flip: bool = True


class PanoramaDataset(Dataset[PanoramaSample]):
    """Panoramas with their labels and masks, where they have any.

    Args:
        entries: files, as a layout lists them.
        panorama_format: size and fields of view.
        windows: those of the masks.
        taxonomy: class set of the labels.
        masks: SAM's masks of ``entries``; ``None`` for samples without.
        targets: what frozen teachers say about ``entries``; ``None`` for samples without.
        augmentation: ``None`` leaves every sample as it is.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        panorama_format: PanoramaFormat,
        windows: Windows,
        taxonomy: str,
        *,
        masks: StoredMasks | None = None,
        targets: StoredTargets | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.entries = entries
        self.format = panorama_format
        self.windows = windows
        self.masks = masks
        self.targets = targets
        self.augmentation = augmentation
        self._labels = LabelReader(taxonomy)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> PanoramaSample:
        pixels, ids = self.format.read_labelled(self.entries[index], self._labels)
        turn = Turn()
        if self.augmentation is not None:
            generator = draw_generator(index)
            pixels = self.augmentation.pipeline.image(pixels, generator)
            by_window = self.masks is not None or self.targets is not None
            turn = draw_turn(
                generator,
                self.windows.image_size[1],
                self.augmentation.roll,
                self.augmentation.flip,
                self.windows if by_window else None,
            )
        label = None if ids is None else turn.pixels(torch.from_numpy(ids).to(torch.int64))
        masks = None if self.masks is None else turn.windowed(self.masks[index], self.windows)
        targets = None if self.targets is None else self.targets[index].turned(turn, self.windows)
        name = self.entries[index].name
        return PanoramaSample(turn.pixels(normalize(pixels)), label, masks, name, targets)
