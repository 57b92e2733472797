"""Time and memory of masks on a device, for each window of a panorama, by each way to make them.

    python benchmarks/window_masks.py                                  # the small SAM, here
    python benchmarks/window_masks.py --device cuda --model vit_h --points-per-side 32

In one run, on the same weights, windows and parameters, by turns: SAM's own generator window by
window (*stock*), the mask-generation pipeline of ``transformers`` where it is installed and has
such a model, ``SegmentAnything`` (*exact*), and ``PanoramaMaskGenerator`` (*panorama*, and *quick*,
which asks only where no mask explains a point yet). Windows are squares of the model's own size,
each sharing a third with the next, all around a panorama of StreetWorld. A model without a
checkpoint gets random weights and a gate that about 30 % of its masks pass.

Peak memory is what the device gave out at most while a way was at work, weights included; on a
processor nobody counts it, see ``benchmarks/masks.py``. Exact masks are held against the stock
ones. Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from segment_anything import SamAutomaticMaskGenerator
from torch import Tensor

from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.comparison import compare_masks, total
from goodsam_pl.sam import PanoramaMaskGenerator, SegmentAnything
from goodsam_pl.streetworld import SPLITS, make_city, view
from stock.random_weights import weights
from stock.transformers_pipeline import make_pipeline, why_not

SURVIVING = 0.3
SIDES = {"vit_nano": 192}
SAME = 0.99
"""IoU of two masks that differ by rounding alone."""
Way = Callable[[], list[WindowMasks]]


def main() -> None:
    """Measure one model."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="vit_nano")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--points-per-side", type=int, default=12)
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--compile", action="store_true", help="compile our image encoder")
    parser.add_argument("--windows", type=int, default=4, help="all around the panorama")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    with weights(arguments.model) as checkpoint:
        report = measure(arguments, checkpoint)
    for name, value in report.items():
        print(f"{name:<32} {value}")
    print(json.dumps(report))


def measure(arguments: argparse.Namespace, checkpoint: str | None) -> dict[str, Any]:
    """Time all ways by turns, the first round left out."""
    side = SIDES.get(arguments.model, 1024)
    windows = WindowGrid.cover(
        (side, arguments.windows * (side * 2 // 3)), (side, side), (side, side * 2 // 3)
    )
    image = panorama(windows.image_size)
    cut = windows.extract(image[None])[0]
    proposer = make_proposer(arguments, checkpoint, cut[:1])
    missing = why_not(arguments.model)
    ways = ways_of(proposer, windows, image)
    if missing is None:
        ways["transformers"] = partial(make_pipeline(proposer, arguments.device), cut)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    peaks: dict[str, float | None] = {}
    masks: dict[str, list[WindowMasks]] = {}
    for _ in range(arguments.repeats + 1):
        for name, way in ways.items():
            masks[name], took, peaks[name] = timed(way, torch.device(arguments.device))
            seconds[name].append(took)
    medians = {name: statistics.median(each[1:]) for name, each in seconds.items()}
    report: dict[str, Any] = {
        "model": arguments.model,
        "device": arguments.device,
        "precision": arguments.precision,
        "points_per_side": arguments.points_per_side,
        "windows": windows.count,
        "random_weights": checkpoint is not None,
    }
    for name, median in medians.items():
        report[f"{name}_ms_a_window"] = round(1000 * median / windows.count, 2)
        report[f"{name}_peak_gib"] = peaks[name]
        if name != "stock":
            report[f"{name}_speedup"] = round(medians["stock"] / median, 2)
    same = total(
        compare_masks(stock, exact, SAME)
        for stock, exact in zip(masks["stock"], masks["exact"], strict=True)
    )
    return report | {
        "stock_masks": same.reference,
        "exact_masks": same.found,
        "exact_same": same.paired,
        "transformers_left_out": missing,
    }


def make_proposer(
    arguments: argparse.Namespace, checkpoint: str | None, window: Tensor
) -> SegmentAnything:
    """Ours; with random weights, its gate comes from what they answer in a window."""
    options: dict[str, Any] = {"precision": arguments.precision, "minimum_area": 1}
    gate: dict[str, Any] = {}
    if checkpoint is not None:
        gate = {"stability_threshold": 0.0, "stability_offset": 1e-4}
        asked = SegmentAnything(
            arguments.model,
            checkpoint,
            points_per_side=4,
            predicted_iou_threshold=-1e9,
            box_nms_threshold=1.0,
            **gate,
            **options,
        )
        asked.to(arguments.device)
        found = asked.propose(window)[0].predicted_iou
        gate["predicted_iou_threshold"] = float(found.quantile(1 - SURVIVING))
    proposer = SegmentAnything(
        arguments.model,
        checkpoint,
        points_per_side=arguments.points_per_side,
        compile_encoder=arguments.compile,
        **gate,
        **options,
    )
    proposer.to(arguments.device)
    return proposer


def ways_of(proposer: SegmentAnything, windows: WindowGrid, image: Tensor) -> dict[str, Way]:
    """Each way to find the masks of all windows of a panorama, but that of ``transformers``."""
    stock = SamAutomaticMaskGenerator(
        proposer._sam,  # noqa: SLF001  # the very same weights
        points_per_side=proposer.points_per_side,
        pred_iou_thresh=proposer.predicted_iou_threshold,
        stability_score_thresh=proposer.stability_threshold,
        stability_score_offset=proposer.stability_offset,
        box_nms_thresh=proposer.box_nms_threshold,
    )
    cut = windows.extract(image[None])[0]
    return {
        "stock": lambda: [stock_masks(stock, window) for window in cut],
        "exact": partial(proposer.propose, cut),
        "panorama": partial(PanoramaMaskGenerator(proposer, windows).propose, image[None]),
        "quick": partial(
            PanoramaMaskGenerator(proposer, windows, "unexplained").propose, image[None]
        ),
    }


def panorama(size: tuple[int, int]) -> Tensor:
    """A street ``(3, H, W)`` uint8, stretched to a size."""
    seed = next(iter(SPLITS["sam_test"]))
    image = torch.from_numpy(view(seed, make_city("target"), "equirectangular").image.copy())
    whole = F.interpolate(image.permute(2, 0, 1)[None].float(), size, mode="bilinear")
    return whole[0].to(torch.uint8)


def stock_masks(stock: SamAutomaticMaskGenerator, window: Tensor) -> WindowMasks:
    """What the stock generator finds in a window."""
    records = stock.generate(window.permute(1, 2, 0).numpy())
    if not records:
        return WindowMasks.none((window.shape[1], window.shape[2]))
    binary = torch.from_numpy(np.stack([each["segmentation"] for each in records]))
    scores = torch.tensor([[r["predicted_iou"], r["stability_score"]] for r in records])
    return WindowMasks.pack(binary, scores[:, 0], scores[:, 1])


def timed(way: Way, device: torch.device) -> tuple[list[WindowMasks], float, float | None]:
    """Run once; the masks, seconds, and the most GiB that a device gave out."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    begun = time.perf_counter()
    masks = way()  # ends on the CPU, so the device is waited for
    took = time.perf_counter() - begun
    if device.type != "cuda":
        return masks, took, None
    return masks, took, round(torch.cuda.max_memory_allocated(device) / 2**30, 2)


if __name__ == "__main__":
    main()
