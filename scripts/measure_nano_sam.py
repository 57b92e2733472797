"""Measure a small SAM on held-out scenes, and draw what it finds.

    python scripts/measure_nano_sam.py --weights src/goodsam_pl/pretrained/vit_nano.safetensors

Masks are those of the whole pipeline: a grid of points, all thresholds, suppression of repeats. An
instance counts if at least 64 of its pixels are seen in a window of 192×192.
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
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.streetworld import SPLITS
from nano_sam.scenes import City, Pictures, render_pictures

SMALLEST_INSTANCE = 64


def main() -> None:
    """Measure both cities and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default=None, help="other weights than those of the package")
    parser.add_argument("--tune", action="store_true", help="measure on sam_train's last scenes")
    parser.add_argument("--cache", type=Path, default=Path("data/nano_sam"))
    parser.add_argument("--panoramas", type=int, default=20, help="of each city")
    parser.add_argument("--predicted-iou", type=float, default=None, help="another threshold")
    parser.add_argument("--stability", type=float, default=None, help="another threshold")
    parser.add_argument("--nms", type=float, default=None, help="another threshold")
    parser.add_argument("--sheet", type=Path, default=None, help="a picture of what was found")
    arguments = parser.parse_args()
    proposer = SegmentAnything("vit_nano", arguments.weights)
    for name, value in (
        ("predicted_iou_threshold", arguments.predicted_iou),
        ("stability_threshold", arguments.stability),
        ("box_nms_threshold", arguments.nms),
    ):
        if value is not None:
            setattr(proposer, name, value)
    scenes = SPLITS["sam_train"][150_000:] if arguments.tune else SPLITS["sam_test"]
    rows = []
    cities: tuple[City, ...] = ("source", "target")
    for city in cities:
        pictures = render_pictures(
            arguments.cache,
            scenes[: arguments.panoramas],
            "equirectangular",
            (city,),
            severity=1.0,
        )
        figures, row = measure(proposer, pictures)
        print(json.dumps({"city": city, **figures}))
        rows.append(row)
    if arguments.sheet is not None:
        Image.fromarray(np.concatenate(rows, axis=1)).save(arguments.sheet)


def measure(
    proposer: SegmentAnything, pictures: Pictures
) -> tuple[dict[str, float], NDArray[np.uint8]]:
    """Figures over all windows of the pictures, and a picture of the first windows."""
    best: list[float] = []
    areas: list[int] = []
    counts: list[int] = []
    covered: list[float] = []
    shown: list[NDArray[np.uint8]] = []
    seconds = 0.0
    for windows, instances in _panoramas(pictures):
        start = time.perf_counter()
        found = proposer.propose(windows)
        seconds += time.perf_counter() - start
        for own, masks in zip(instances, found, strict=True):
            ious, sizes = best_ious(masks, own)
            best += ious
            areas += sizes
            counts.append(len(masks))
            covered.append(float((masks.layers >= 0).any(dim=0).float().mean()))
        if len(shown) < 6:
            shown.append(overlay(windows[0], found[0], instances[0]))
    reached = np.array(best)
    large = np.array(areas) >= 1024
    figures = {
        "instances": len(best),
        "mean_best_iou": round(float(reached.mean()), 4),
        "recall_50": round(float((reached >= 0.5).mean()), 4),
        "recall_75": round(float((reached >= 0.75).mean()), 4),
        "mean_best_iou_from_1024_pixels": round(float(reached[large].mean()), 4),
        "recall_50_from_1024_pixels": round(float((reached[large] >= 0.5).mean()), 4),
        "recall_75_from_1024_pixels": round(float((reached[large] >= 0.75).mean()), 4),
        "masks_per_window": round(float(np.mean(counts)), 1),
        "covered": round(float(np.mean(covered)), 3),
        "seconds_per_window": round(seconds / len(counts), 4),
    }
    return figures, np.concatenate(shown, axis=0)


def best_ious(masks: WindowMasks, instances: Tensor) -> tuple[list[float], list[int]]:
    """IoU of each visible instance with the best mask, and the instance's area, pixels."""
    ids, areas = instances.unique(return_counts=True)
    kept = areas >= SMALLEST_INSTANCE
    wanted = (instances == ids[kept, None, None]).flatten(1).float()
    drawn = masks.binary().flatten(1).float()
    shared = wanted @ drawn.T
    union = wanted.sum(dim=1)[:, None] + drawn.sum(dim=1) - shared
    overlap = torch.cat([shared / union, torch.zeros(len(wanted), 1)], dim=1)
    return overlap.amax(dim=1).tolist(), areas[kept].tolist()


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


def _panoramas(pictures: Pictures) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows ``(N, 3, 192, 192)`` and their instances ``(N, 192, 192)`` of each panorama."""
    grid = WindowGrid.cover(pictures.instances.shape[1:], (192, 192), (192, 192))
    for image, instances in zip(pictures.images, pictures.instances, strict=True):
        image_tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        own = torch.from_numpy(np.array(instances))[None]
        yield grid.extract(image_tensor)[0], grid.extract(own)[0]


if __name__ == "__main__":
    main()
