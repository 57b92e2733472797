"""Bytes of stored masks, and how fast they are read, on panoramas of StreetWorld.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/store.py

Compares with the usual way to keep masks: JSON with compressed COCO run lengths, decoded mask by
mask with pycocotools and painted into one map a window (in which overlaps are lost; ours keeps
them). The speed-up is that from file to map; that over decoding alone, from run lengths in memory,
is told beside it. Three kinds of masks:

* synthetic: StreetWorld's own instances, halves and unions of them, drawn as SAM does, from noisy
  low-resolution logits. The headline figures are theirs.
* felzenszwalb: segments of two scales, without weights and without logits.
* vit_nano: the shipped small SAM with its default thresholds.

Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, WindowMasks
from goodsam_pl.masks.annotations import export_record
from goodsam_pl.masks.manifest import Manifest
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import Felzenszwalb, SegmentAnything
from goodsam_pl.streetworld import SPLITS, View, make_city, view

WINDOWS = WindowGrid.cover((192, 1024), (192, 192), (192, 128))
FRAME = LogitFrame(192, 192, 192)
LEAST = 16


def main() -> None:
    """Store masks of each kind in a temporary folder, and measure them there."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panoramas", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=15, help="the median of them is told")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    city = make_city("target")
    seeds = SPLITS["sam_test"][: arguments.panoramas]
    views = [view(seed, city, "equirectangular") for seed in seeds]
    kinds = {
        "synthetic": synthetic,
        "felzenszwalb": propose_with(Felzenszwalb(scales=(300.0, 1000.0))),
        "vit_nano": propose_with(SegmentAnything("vit_nano")),
    }
    measured = {}
    for kind, make in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            measured[kind] = measure(Path(folder), [make(each) for each in views], arguments.rounds)
        print(kind)
        for name, value in measured[kind].items():
            print(f"  {name:<32} {value}")
    report = {**measured["synthetic"], "panoramas": len(views), "rounds": arguments.rounds}
    print(json.dumps({**report, "masks_of": "synthetic", "kinds": measured}))


def measure(root: Path, panoramas: list[list[WindowMasks]], rounds: int) -> dict[str, Any]:
    """Store all panoramas with and without logits, and read them back in every way."""
    stores = {
        logits: MaskStore.of(
            root / str(logits), Manifest(WINDOWS, {}, {"proposer": "benchmark"}, logits)
        )
        for logits in (False, True)
    }
    keys = [f"{index:064x}" for index in range(len(panoramas))]
    sizes: dict[bool, list[int]] = {False: [], True: []}
    encode = []
    for logits, store in stores.items():
        for key, masks in zip(keys, panoramas, strict=True):
            begun = time.perf_counter()
            store.write(key, key, masks)
            encode.append(time.perf_counter() - begun)
            sizes[logits].append(store.path(key).stat().st_size)
    lossless = all(
        equal(before, after)
        for store in stores.values()
        for key, masks in zip(keys, panoramas, strict=True)
        for before, after in zip(masks, store.read(key), strict=True)
    )
    found: dict[str, Any] = {
        "masks_per_panorama": mean([sum(map(len, masks)) for masks in panoramas]),
        "bytes_per_panorama": mean(sizes[False]),
        "bytes_per_panorama_with_logits": mean(sizes[True]),
        "largest_panorama": max(sizes[False]),
        "lossless": lossless,
        "write_milliseconds": round(1e3 * statistics.median(encode), 1),
    }
    return found | reading_times(stores[True], keys, root, rounds)


def reading_times(store: MaskStore, keys: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds a panorama, from the file to the map."""
    try:
        from pycocotools import mask as coco  # noqa: PLC0415  # optional
    except ImportError:
        print("pycocotools is not installed: nothing to compare with")
        return {"index_map_speedup": None}
    files = []
    for key in keys:
        files.append(root / f"{key}.json")
        files[-1].write_text(json.dumps(export_record(store, key)), encoding="utf-8")
    texts = [json.loads(path.read_text(encoding="utf-8"))["annotations"] for path in files]

    def decode(index: int) -> None:
        for annotation in texts[index]:
            coco.decode(annotation["segmentation"])

    def paint(index: int) -> None:
        indices = np.full((WINDOWS.count, *WINDOWS.window_size), -1, dtype=np.int16)
        for number, annotation in enumerate(
            json.loads(files[index].read_text(encoding="utf-8"))["annotations"]
        ):
            mask = coco.decode(annotation["segmentation"]).view(bool)
            indices[annotation["window"]][mask] = number

    ways: dict[str, Callable[[int], object]] = {
        "coco_decode": decode,
        "coco_file_to_index_map": paint,
        "store_file_to_index_map": lambda index: store.index_map(keys[index]).cell_map(),
        "store_file_to_layers": lambda index: store.layers(keys[index]),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            for index in range(len(keys)):
                begun = time.perf_counter()
                way(index)
                times[name].append(1e3 * (time.perf_counter() - begun))
    medians = {name: statistics.median(each) for name, each in times.items()}
    ours = medians["store_file_to_index_map"]
    return {
        **{f"{name}_milliseconds": round(each, 3) for name, each in medians.items()},
        "rle_bytes_per_panorama": mean([path.stat().st_size for path in files]),
        "index_map_speedup": round(medians["coco_file_to_index_map"] / ours, 1),
        "index_map_speedup_over_decoding_alone": round(medians["coco_decode"] / ours, 1),
        "layers_speedup_over_one_map": round(
            medians["coco_file_to_index_map"] / medians["store_file_to_layers"], 1
        ),
    }


def propose_with(proposer: Felzenszwalb | SegmentAnything) -> Callable[[View], list[WindowMasks]]:
    """Masks by a proposer."""

    def propose(picture: View) -> list[WindowMasks]:
        image = torch.from_numpy(picture.image.copy()).permute(2, 0, 1)
        return proposer.propose(WINDOWS.extract(image[None])[0])

    return propose


def synthetic(picture: View) -> list[WindowMasks]:
    """Masks of instances, of their halves, and of neighbours together, by noisy logits."""
    instances = WINDOWS.extract(torch.from_numpy(picture.instance)[None])[0].numpy()
    generator = np.random.default_rng(0)
    found = []
    for window in instances:
        logits = torch.stack([noisy_logits(mask, generator) for mask in wholes_and_parts(window)])
        binary = FRAME.place(logits, WINDOWS.window_size) > 0
        kept = binary.sum(dim=(1, 2)) >= LEAST
        scores = torch.from_numpy(generator.random((2, int(kept.sum())), dtype=np.float32))
        found.append(WindowMasks.pack(binary[kept], scores[0], scores[1], logits[kept], FRAME))
    return found


def wholes_and_parts(window: np.ndarray) -> Iterator[np.ndarray]:
    """Binary masks ``(192, 192)`` of a window's instances and what can be made of them."""
    numbers, areas = np.unique(window, return_counts=True)
    masks = [window == number for number in numbers[areas >= LEAST]]
    yield from masks
    for mask in masks[::2]:
        if mask.sum() >= 200:
            middle = int(np.median(np.nonzero(mask)[0]))
            yield mask & (np.arange(len(mask)) < middle)[:, None]
    for first, second in zip(masks[::2], masks[1::2], strict=False):
        if (ndimage.binary_dilation(first) & second).any():
            yield first | second


def noisy_logits(mask: np.ndarray, generator: np.random.Generator) -> Tensor:
    """Logits ``(96, 96)`` that fall off on both sides of the border, as vit_nano's do, with noise.

    Masks that share a border differ there by half a pixel or so; away from it logits wander.
    """
    coarse = mask.reshape(96, 2, 96, 2).mean(axis=(1, 3)) > 0.5
    distance = ndimage.distance_transform_edt(coarse) - ndimage.distance_transform_edt(~coarse)
    waves = ndimage.zoom(generator.normal(0, 1, (24, 24)), 4, order=1)
    grain = generator.normal(0, 0.1, (96, 96))
    slope = generator.uniform(0.3, 1.0)
    logits = slope * distance + (0.15 + 0.12 * np.abs(distance)) * waves + grain
    return torch.from_numpy(np.clip(logits, -9, 4).astype(np.float32))


def equal(before: WindowMasks, after: WindowMasks) -> bool:
    """Whether masks and scores are the same to the last bit."""
    names = ("layers", "predicted_iou", "stability", "boxes", "areas")
    same = all(torch.equal(getattr(before, name), getattr(after, name)) for name in names)
    return same and torch.equal(before.binary(), after.binary())


def mean(numbers: list[int]) -> float:
    """To one decimal place."""
    return round(sum(numbers) / len(numbers), 1)


if __name__ == "__main__":
    main()
