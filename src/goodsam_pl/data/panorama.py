"""Equirectangular images as training sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import Dataset

from goodsam_pl.data.augment import Turn, draw_turn
from goodsam_pl.data.batch import PanoramaSample
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.normalization import normalize
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.data.targets import TargetStore, TeacherTargets
from goodsam_pl.data.transforms import Pipeline, draw_generator
from goodsam_pl.data.words import StoredWords
from goodsam_pl.files import ContentKeys
from goodsam_pl.geometry import Windowed, Windows
from goodsam_pl.masks import MaskStore

__all__ = ["Augmentation", "PanoramaDataset", "StoredMasks", "StoredTargets"]


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
        self._keys = [self._store.keys(path) for path in files]
        missing = [
            path for path, key in zip(files, self._keys, strict=True) if key not in self._store
        ]
        if missing:
            raise ValueError(
                f"{root} has no masks for {missing[0]} and {len(missing) - 1} more of "
                f"{len(files)} panoramas: put the callback PrecomputeSAM into trainer.callbacks"
            )

    @property
    def whole(self) -> bool:
        """Whether they are of whole panoramas, cut into windows."""
        return self._store.whole

    def __getitem__(self, index: int) -> Windowed:
        """Mask layers of one panorama, int16 ``(N, L, h, w)``, -1 = no mask, of each family."""
        key = self._keys[index]
        return tuple(self._store.layers(key, grid) for grid in self._windows.families)


class StoredTargets:
    """What frozen teachers say about a list of panoramas.

    Args:
        store: where it is stored.
        files: the panoramas.
        keys: of files, by their content.
    """

    def __init__(self, store: TargetStore, files: Sequence[Path], keys: ContentKeys) -> None:
        self._store = store
        self._keys = [keys(path) for path in files]

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
        words: what words have found in ``entries``; ``None`` for samples without.
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
        words: StoredWords | None = None,
        targets: StoredTargets | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.entries = entries
        self.format = panorama_format
        self.windows = windows
        self.masks = masks
        self.words = words
        self.targets = targets
        self.augmentation = augmentation
        self._labels = LabelReader(taxonomy)

    def learn_from(self, targets: StoredTargets) -> None:
        """Go on with what frozen teachers say, in the place of SAM's masks and of words."""
        self.masks, self.words, self.targets = None, None, targets

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
        words = None if self.words is None else turn.pixels(self.words[index])
        targets = None if self.targets is None else self.targets[index].turned(turn, self.windows)
        return PanoramaSample(
            image=turn.pixels(normalize(pixels)),
            label=label,
            masks=masks,
            name=self.entries[index].name,
            targets=targets,
            whole_masks=self.masks is not None and self.masks.whole,
            words=words,
        )
