"""StreetWorld's instances with clicks, for Lightning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader

from goodsam_pl.data.entries import Entry, Split
from goodsam_pl.data.inspection import Found, InspectedSplit
from goodsam_pl.data.instance_windows import InstanceWindows, collate_clicks
from goodsam_pl.data.loading import Loading
from goodsam_pl.data.resuming import ResumableDataModule
from goodsam_pl.streetworld import SPLITS
from goodsam_pl.streetworld.instances import Camera, CityName, InstanceScenes

__all__ = ["InstanceDataModule"]

_PHOTOGRAPHS_FROM = 100_000
"""Place in the seeds of ``sam_train``; ``scripts/measure_nano_sam.py --tune`` begins at 150,000."""


class InstanceDataModule(ResumableDataModule):
    """Windows of StreetWorld's ``sam_train`` scenes, on which a SAM learns; no class anywhere.

    Args:
        cache: folder of the scenes; they are drawn when they are missing.
        panoramas: scenes that are seen as panoramas.
        photographs: further scenes, seen through a pinhole; 0 for none.
        photograph_share: of the windows that are cut from photographs.
        cities: whose streets, taken in turn.
        severity: of the gap between the cities, 0 to 1; ``None`` draws it for each scene.
        windows: an epoch has, over all processes.
        clicks: on each window.
        batch_size: windows of a batch, per process.
        num_workers: worker processes of the loader.

    Raises:
        ValueError: no panoramas, windows or clicks, or more scenes than there are.
    """

    def __init__(
        self,
        *,
        cache: str = "data/instances",
        panoramas: int = 800,
        photographs: int = 200,
        photograph_share: float = 0.125,
        cities: tuple[CityName, ...] = ("source", "target"),
        severity: float | None = None,
        windows: int = 1000,
        clicks: int = 12,
        batch_size: int = 4,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        cache = os.fspath(cache)
        self.save_hyperparameters(logger=False)
        for name, value, least in (
            *(("panoramas", panoramas, 1), ("photographs", photographs, 0)),
            *(("windows", windows, 1), ("clicks", clicks, 1)),
        ):
            if not least <= value <= _PHOTOGRAPHS_FROM:
                raise ValueError(f"data.{name} is {value}: choose {least} to {_PHOTOGRAPHS_FROM}")

        def scenes(first: int, count: int, camera: Camera) -> InstanceScenes:
            seeds = SPLITS["sam_train"][first : first + count]
            return InstanceScenes(Path(cache).expanduser(), seeds, camera, cities, severity)

        self.dataset = InstanceWindows(
            scenes(0, panoramas, "equirectangular"),
            scenes(_PHOTOGRAPHS_FROM, photographs, "pinhole"),
            photograph_share if photographs else 0.0,
            windows,
            clicks,
        )
        self.loading = Loading(batch_size, batch_size, num_workers)

    def prepare_data(self) -> None:
        """Draw the scenes that are missing."""
        self.dataset.panoramas.draw_missing()
        self.dataset.photographs.draw_missing()

    def inspected(self, splits: Sequence[Split]) -> list[InspectedSplit]:
        """The scenes that were drawn already, which are all to train on."""
        scenes = (self.dataset.panoramas, self.dataset.photographs)
        files = [path for each in scenes for path in each.files if path.exists()]
        entries = [Entry(path, None, None, path.stem) for path in files]
        return [InspectedSplit("train", Found(entries, []), _read_scene)] * ("train" in splits)

    def train_dataloader(self) -> DataLoader[Any]:
        """Windows at random places, each visit another."""
        return self.loading.training(self.dataset, collate_clicks, self.trainer, self.position)


def _read_scene(entry: Entry) -> tuple[npt.NDArray[np.uint8], None]:
    return InstanceScenes.read(entry.image).image, None
