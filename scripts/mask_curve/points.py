"""The points of the curve: who proposes masks, and how good these are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskProposer, MaskStore, precompute_masks
from goodsam_pl.masks.instance_quality import MaskQuality, QualityTally, masks_in_windows
from goodsam_pl.masks.precomputation import MissingMasksError, failure_report
from goodsam_pl.sam import SegmentAnything, StreetWorldOracle
from goodsam_pl.sam.panorama_generator import for_mode

__all__ = ["Point", "points_of", "quality_of", "store_masks"]

STAGES = {"val": "validate", "test": "test"}


@dataclass(frozen=True)
class Point:
    """A proposer with one setting.

    Attributes:
        name: in tables, and of its folder.
        class_path: of the proposer.
        arguments: of the proposer.
        drawn: whether its masks depend on a seed.
    """

    name: str
    class_path: str
    arguments: dict[str, Any] = field(default_factory=dict)
    drawn: bool = False

    def described(self, seed: int) -> dict[str, Any]:
        """As a configuration has it."""
        seeded = {"seed": seed} if self.drawn else {}
        return {"class_path": self.class_path, "init_args": {**self.arguments, **seeded}}

    def proposer(self, seed: int) -> MaskProposer:
        """Make it."""
        arguments = self.described(seed)["init_args"]
        return StreetWorldOracle(**arguments) if self.drawn else SegmentAnything(**arguments)

    def folder(self, out: Path, seed: int) -> Path:
        """Of its masks; those that depend on no seed are stored once."""
        name = self.name.replace(" ", "_")
        return out / "masks" / (f"{name}_{seed}" if self.drawn else name)


def points_of(world: Path, qualities: list[float], sams: list[str]) -> list[Point]:
    """Settings of the oracle, worst first, and small SAMs.

    Args:
        world: the export, with instances.
        qualities: of the oracle.
        sams: ``NAME=WEIGHTS``, nothing behind ``=`` for the shipped ones; behind commas
            ``KEY=NUMBER``, thresholds of ``SegmentAnything``.
    """
    oracles = [
        Point(
            f"oracle {quality:g}",
            "goodsam_pl.sam.StreetWorldOracle",
            {"root": str(world), "quality": quality},
            drawn=True,
        )
        for quality in sorted(qualities)
    ]
    small = []
    for each in sams:
        name, _, rest = each.partition("=")
        weights, *others = rest.split(",")
        thresholds = {key: float(number) for key, _, number in (o.partition("=") for o in others)}
        arguments = {"model": "vit_nano", "checkpoint": weights or None, **thresholds}
        small.append(Point(name, "goodsam_pl.sam.SegmentAnything", arguments))
    return [*small, *oracles]


def store_masks(data: PanoramaDataModule, split: str, proposer: MaskProposer) -> MaskStore:
    """Make the masks of a split that are not stored yet, as the presets' ``quick`` mode does.

    Args:
        data: with a ``mask_root``, and masks on the split.
        split: ``val`` or ``test``.
        proposer: makes them.
    """
    stage = STAGES[split]
    data.setup(stage)
    assert data.mask_root is not None  # noqa: S101  # whoever made the data has set it
    proposer, windows = for_mode("quick", proposer, data.mask_windows)
    store = MaskStore.create(data.mask_root, windows, proposer, data.view, logits=False)
    files = data.panorama_files(stage)  # type: ignore[arg-type]  # one of the stages
    report = precompute_masks(files, data.read_panorama, proposer, store)
    if report.failed:
        failed = {path: str(error) for path, error in report.failed.items()}
        raise MissingMasksError(failure_report(failed))
    return store


def quality_of(data: PanoramaDataModule, split: str, store: MaskStore, world: Path) -> MaskQuality:
    """Measure stored masks against the instances of the export, as windows of SAM show them.

    Args:
        data: set up for the split.
        split: ``val`` or ``test``.
        store: the masks of its panoramas.
        world: the export, with instances.
    """
    grid = WindowGrid.cover(
        data.mask_windows.image_size, data.mask_windows.window_size, data.mask_windows.window_size
    )
    tally = QualityTally()
    for file in data.panorama_files(STAGES[split]):  # type: ignore[arg-type]  # see above
        label = world / "densepass/gtFine" / split / f"{file.stem}labelTrainIds.png"
        instances, classes = (
            grid.extract(torch.from_numpy(np.array(Image.open(path)).astype(np.int64))[None])[0]
            for path in (world / "instances" / split / file.name, label)
        )
        found = masks_in_windows(store.read(store.keys(file)), grid)
        for masks, own, own_classes in zip(found, instances, classes, strict=True):
            tally.add(masks, own, own_classes)
    return tally.score()
