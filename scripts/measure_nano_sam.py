"""Measure a small SAM on held-out scenes, and draw what it finds.

    python scripts/measure_nano_sam.py --weights src/goodsam_pl/pretrained/vit_nano.safetensors

With ``--adapters`` of a sequence of domains, masks are those of its routed SAM.

Masks are those of the whole pipeline: a grid of points, all thresholds, suppression of repeats. An
instance counts if at least 64 of its pixels are seen in a window of 192×192; what is said "from 400
pixels" is of instances, or of masks, with at least as many. Purity is the share of masks with at
least 95 % of their pixels in one class.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.instance_quality import LEAST_AREAS, MaskQuality, QualityTally
from goodsam_pl.modules.continual import RoutedSegmentAnything
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.streetworld import SPLITS
from goodsam_pl.streetworld.instances import CityName, InstanceScenes


def main() -> None:
    """Measure both cities and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default=None, help="other weights than those of the package")
    parser.add_argument("--adapters", default=None, help="of a sequence; see docs/continual.md")
    parser.add_argument("--tune", action="store_true", help="measure on sam_train's last scenes")
    parser.add_argument("--cache", type=Path, default=Path("data/instances"))
    parser.add_argument("--panoramas", type=int, default=20, help="of each city")
    parser.add_argument("--predicted-iou", type=float, default=None, help="another threshold")
    parser.add_argument("--stability", type=float, default=None, help="another threshold")
    parser.add_argument("--nms", type=float, default=None, help="another threshold")
    parser.add_argument("--sheet", type=Path, default=None, help="a picture of what was found")
    arguments = parser.parse_args()
    proposer: SegmentAnything | RoutedSegmentAnything
    if arguments.adapters is None:
        proposer = SegmentAnything("vit_nano", arguments.weights)
    else:
        proposer = RoutedSegmentAnything(arguments.adapters, "vit_nano", arguments.weights)
    for name, value in (
        ("predicted_iou_threshold", arguments.predicted_iou),
        ("stability_threshold", arguments.stability),
        ("box_nms_threshold", arguments.nms),
    ):
        if value is not None:
            setattr(proposer, name, value)
    scenes = SPLITS["sam_train"][150_000:] if arguments.tune else SPLITS["sam_test"]
    rows = []
    cities: tuple[CityName, ...] = ("source", "target")
    for city in cities:
        seeds = scenes[: arguments.panoramas]
        pictures = InstanceScenes(arguments.cache, seeds, "equirectangular", (city,), severity=1.0)
        pictures.draw_missing()
        figures, row = measure(proposer, pictures)
        print(json.dumps({"city": city, **figures}))
        rows.append(row)
    if arguments.sheet is not None:
        Image.fromarray(np.concatenate(rows, axis=1)).save(arguments.sheet)


def measure(
    proposer: SegmentAnything | RoutedSegmentAnything, pictures: InstanceScenes
) -> tuple[dict[str, float], NDArray[np.uint8]]:
    """Figures over all windows of the pictures, and a picture of the first windows."""
    tally = QualityTally()
    shown: list[NDArray[np.uint8]] = []
    seconds = 0.0
    for windows, instances, classes in _panoramas(pictures):
        start = time.perf_counter()
        found = proposer.propose(windows)
        seconds += time.perf_counter() - start
        for masks, own, own_classes in zip(found, instances, classes, strict=True):
            tally.add(masks.binary(), own, own_classes)
        if len(shown) < 6:
            shown.append(overlay(windows[0], found[0], instances[0]))
    quality = tally.score()
    return {
        **figures_of(quality),
        "seconds_per_window": round(seconds / quality.windows, 4),
    }, np.concatenate(shown, axis=0)


def figures_of(quality: MaskQuality) -> dict[str, float]:
    """The figures of the card, rounded."""
    figures: dict[str, float] = {"instances": quality.by_size[0].instances}
    for each in quality.by_size:
        size = "" if each.least_area == LEAST_AREAS[0] else f"_from_{each.least_area}_pixels"
        figures[f"mean_best_iou{size}"] = round(each.mean_iou, 4)
        figures[f"recall_50{size}"] = round(each.recall_50, 4)
        figures[f"recall_75{size}"] = round(each.recall_75, 4)
    figures["purity"] = round(quality.purity, 4)
    for each in quality.by_size:
        figures[f"purity_from_{each.least_area}_pixels"] = round(each.purity, 4)
    figures["masks_per_window"] = round(quality.masks_per_window, 1)
    figures["covered"] = round(quality.covered, 3)
    return figures


def overlay(window: Tensor, masks: WindowMasks, instances: Tensor) -> NDArray[np.uint8]:
    """Window, masks painted from large to small, true instances, side by side, twice as large."""
    picture = window.permute(1, 2, 0).numpy()
    colours = np.random.default_rng(5).integers(40, 256, (1000, 3))
    painted, truth = picture.astype(np.float64) * 0.25, picture.astype(np.float64) * 0.25
    flat = np.zeros(picture.shape)
    for index, mask in enumerate(masks.binary().numpy()):
        flat[mask] = colours[index]
    truth += 0.75 * colours[instances.numpy() % 1000]
    sheet = np.concatenate([picture, painted + 0.75 * flat, truth], axis=1).astype(np.uint8)
    return sheet.repeat(2, axis=0).repeat(2, axis=1)


def _panoramas(pictures: InstanceScenes) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Windows ``(N, 3, 192, 192)``, their instances and classes ``(N, 192, 192)``, by panorama."""
    for index in range(len(pictures)):
        image, instances = pictures[index]
        grid = WindowGrid.cover(instances.shape, (192, 192), (192, 192))
        image_tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
        maps = (torch.from_numpy(each)[None] for each in (instances, pictures.classes(index)))
        own, classes = (grid.extract(each)[0] for each in maps)
        yield grid.extract(image_tensor)[0], own, classes


if __name__ == "__main__":
    main()
