"""Speed and sameness of masks: ours against SAM's own ``SamAutomaticMaskGenerator``.

    OMP_NUM_THREADS=1 python benchmarks/masks.py
    python benchmarks/masks.py --model vit_b                # one window of 1024×1024, 8×8 points
    python benchmarks/masks.py --images FOLDER/*.jpg        # real panoramas (full spheres), too

In one run, on the same weights, windows, machine and parameters, by turns: the stock generator
window by window, ``SegmentAnything.propose`` (*exact*), and ``PanoramaMaskGenerator`` on the same
windows (*panorama*), the masks of which are held against the stock ones joined in the same way. A
model without a checkpoint gets random weights and a gate that about 30 % of its masks pass. Where
``transformers`` is installed and has such a model, its mask-generation pipeline takes its turn as
well, with the same weights and parameters. Beside each time by the clock stands that of the
processor (*cpu*), which does not count other processes of the machine.

Memory is the peak of a process of its own that proposes once, with 1,024 points a batch. Prints a
table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from segment_anything import SamAutomaticMaskGenerator
from torch import Tensor

from goodsam_pl.data import PanoramaFormat
from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.fusion import CTCF
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.comparison import compare_masks, total
from goodsam_pl.sam import PanoramaMaskGenerator, SegmentAnything
from goodsam_pl.sam.joined_masks import join_windows
from goodsam_pl.sam.mask_decoder import decode_points
from goodsam_pl.sam.point_prompts import point_grid
from goodsam_pl.streetworld import SPLITS, make_city, view
from stock.random_weights import weights
from stock.transformers_pipeline import make_pipeline, why_not

SURVIVING = 0.3
ROUNDING = 1e-3  # logits nearer to zero may fall on either side of it
CLASSES = 19
COMMON = {"minimum_area": 1}


class Scene(NamedTuple):
    """A panorama ``(3, H, W)`` uint8, its windows, and its true labels ``(H, W)``, if known."""

    image: Tensor
    windows: WindowGrid
    label: Tensor | None


class Round(NamedTuple):
    """Masks of one scene, and seconds that they took, by the clock and of the processor."""

    masks: list[WindowMasks]
    seconds: float
    cpu: float


def main() -> None:
    """Measure one model."""
    keep_memory()  # as every command does
    arguments = parse()
    torch.manual_seed(0)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with weights(arguments.model) as checkpoint:
        proposer = make_proposer(arguments, checkpoint)
        if arguments.only_propose:
            scene = scenes(arguments)[0]
            proposer.propose(scene.windows.extract(scene.image[None])[0][:1])
            print(own_peak())
            return
        report = measure(proposer, arguments)
        report["peak_memory_gb"] = round(peak_memory(arguments), 2)
    for name, value in report.items():
        print(f"{name:<36} {value}")
    print(json.dumps(report))


def parse() -> argparse.Namespace:
    """Options, with what is affordable on two cores as defaults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="vit_nano")
    parser.add_argument("--panoramas", type=int, default=1, help="of StreetWorld")
    parser.add_argument("--images", type=Path, nargs="*", default=[], help="full panoramas")
    parser.add_argument("--points-per-side", type=int, help="12 for vit_nano, else 8")
    parser.add_argument("--points-per-batch", type=int)
    parser.add_argument("--points", default="all", help="of the panorama mode: all, unexplained")
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="compile our image encoder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--gate", type=float, nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--only-propose", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.points_per_side is None:
        arguments.points_per_side = 12 if arguments.model == "vit_nano" else 8
    return arguments


def make_proposer(arguments: argparse.Namespace, checkpoint: str | None) -> SegmentAnything:
    """Ours; with random weights, thresholds come from what they answer."""
    options = {
        "points_per_side": arguments.points_per_side,
        "points_per_batch": arguments.points_per_batch,
        "precision": arguments.precision,
        "compile_encoder": arguments.compile,
        **COMMON,
    }
    proposer = SegmentAnything(arguments.model, checkpoint, **options)
    proposer.to(arguments.device)
    if checkpoint is None:
        return proposer
    if arguments.gate is None:
        arguments.gate = random_gate(proposer, scenes(arguments)[0])
        print(f"random weights: a gate at {arguments.gate[0]:.4f} lets 30 % of the masks pass")
    (
        proposer.predicted_iou_threshold,
        proposer.stability_threshold,
        proposer.stability_offset,
    ) = arguments.gate
    return proposer


@torch.no_grad()
def random_gate(proposer: SegmentAnything, scene: Scene) -> tuple[float, float, float]:
    """Predicted IoU that ``SURVIVING`` of the masks exceed; everything is stable enough."""
    embedded = proposer.embed(scene.windows.extract(scene.image[None])[0][:1])
    points = point_grid(4, (embedded.frame.height, embedded.frame.width))
    points = points[None].to(embedded.embeddings.device)
    scores = decode_points(proposer._sam, embedded.embeddings, points)  # noqa: SLF001
    return float(scores.predicted_iou.quantile(1 - SURVIVING)), 0.0, 1e-4


def scenes(arguments: argparse.Namespace) -> list[Scene]:
    """Panoramas of StreetWorld and from files; for the large models one window of 1024×1024."""
    city = make_city("target")
    seeds = SPLITS["sam_test"][: arguments.panoramas]
    views = [view(seed, city, "equirectangular") for seed in seeds]
    found = []
    for each in views:
        image = torch.from_numpy(each.image.copy()).permute(2, 0, 1).contiguous()
        label = torch.from_numpy(each.label.copy()).long()
        if arguments.model != "vit_nano":
            large = F.interpolate(image[None, :, :, :192].float(), (1024, 1024), mode="bilinear")
            found.append(Scene(large[0].to(torch.uint8), WindowGrid.whole((1024, 1024)), None))
            continue
        found.append(Scene(image, square_windows(image), label))
    form = PanoramaFormat((192, 1024), 67.5, 180.0)
    for path in arguments.images:
        image = form.read_tensor(path)
        found.append(Scene(image, square_windows(image), None))
    return found


def square_windows(image: Tensor) -> WindowGrid:
    """As high as the panorama, each sharing a third with the next."""
    height, width = image.shape[1:]
    return WindowGrid.cover((height, width), (height, height), (height, height * 2 // 3))


def measure(proposer: SegmentAnything, arguments: argparse.Namespace) -> dict[str, Any]:
    """Time all three by turns and compare their masks."""
    stock = SamAutomaticMaskGenerator(
        proposer._sam,  # noqa: SLF001  # the very same weights
        points_per_side=proposer.points_per_side,
        pred_iou_thresh=proposer.predicted_iou_threshold,
        stability_score_thresh=proposer.stability_threshold,
        stability_score_offset=proposer.stability_offset,
        box_nms_thresh=proposer.box_nms_threshold,
    )
    compile_seconds = warm_up(proposer, scenes(arguments)[0])
    missing = why_not(arguments.model)
    pipeline = None if missing else make_pipeline(proposer, arguments.device)
    rounds: list[dict[str, Round]] = []
    last: list[tuple[Scene, dict[str, list[WindowMasks]]]] = []
    for scene in scenes(arguments):
        cut = scene.windows.extract(scene.image[None])[0]
        generator = PanoramaMaskGenerator(proposer, scene.windows, arguments.points)
        ways: dict[str, Callable[[], list[WindowMasks]]] = {
            "stock": partial(stock_masks, stock, cut),
            "exact": partial(proposer.propose, cut),
            "panorama": partial(generator.propose, scene.image[None]),
        }
        if pipeline is not None:
            ways["transformers"] = partial(pipeline, cut)
        for _ in range(arguments.repeats):
            found = {name: timed(way) for name, way in ways.items()}
            rounds.append(found)
        last.append((scene, {name: each.masks for name, each in found.items()}))
    return {
        "model": arguments.model,
        "device": arguments.device,
        "dtype": arguments.precision,
        "points": arguments.points,
        "points_per_side": proposer.points_per_side,
        "panoramas": len(last),
        "repeats": arguments.repeats,
        **speeds(rounds),
        "compile_seconds": compile_seconds if arguments.compile else None,
        **sameness(last),
        **fused_labels(last),
        "transformers": missing or same_count(last),
    }


def speeds(rounds: Sequence[dict[str, Round]]) -> dict[str, float]:
    """Medians of seconds, and of ratios to the stock generator within a round."""
    found: dict[str, float] = {}
    for name in rounds[0]:
        ways = [(each["stock"], each[name]) for each in rounds]
        found[f"{name}_seconds"] = round(statistics.median(w.seconds for _, w in ways), 3)
        if name != "stock":
            ratio = statistics.median(stock.seconds / way.seconds for stock, way in ways)
            cpu = statistics.median(stock.cpu / way.cpu for stock, way in ways)
            found |= {f"{name}_speedup": round(ratio, 2), f"{name}_cpu_speedup": round(cpu, 2)}
    return found


def same_count(last: Sequence[tuple[Scene, dict[str, list[WindowMasks]]]]) -> str:
    """How many masks the pipeline of ``transformers`` found, and the stock generator."""
    counts = {
        name: sum(len(found) for _, masks in last for found in masks[name])
        for name in ("transformers", "stock")
    }
    return f"{counts['transformers']} masks, stock {counts['stock']}"


def warm_up(proposer: SegmentAnything, scene: Scene) -> float:
    """Seconds that the first batch of windows takes longer than the second."""
    cut = scene.windows.extract(scene.image[None])[0]
    begun = time.perf_counter()
    proposer.embed(cut)
    between = time.perf_counter()
    proposer.embed(cut)
    return round(2 * between - begun - time.perf_counter(), 2)


def timed(way: Callable[[], list[WindowMasks]]) -> Round:
    """Run once; our masks end on the CPU, so a device is waited for."""
    begun, worked = time.perf_counter(), time.process_time()
    masks = way()
    return Round(masks, time.perf_counter() - begun, time.process_time() - worked)


def stock_masks(stock: SamAutomaticMaskGenerator, windows: Tensor) -> list[WindowMasks]:
    """What the stock generator finds in each window."""
    found = []
    for window in windows:
        records = stock.generate(window.permute(1, 2, 0).numpy())
        if not records:
            found.append(WindowMasks.none((window.shape[1], window.shape[2])))
            continue
        binary = torch.from_numpy(np.stack([each["segmentation"] for each in records]))
        scores = torch.tensor([[r["predicted_iou"], r["stability_score"]] for r in records])
        found.append(WindowMasks.pack(binary, scores[:, 0], scores[:, 1]))
    return found


def sameness(last: Sequence[tuple[Scene, dict[str, list[WindowMasks]]]]) -> dict[str, Any]:
    """Exact masks window by window, and masks of panoramas, against the stock ones."""
    pixels, identical, joined = 0, True, []
    for scene, masks in last:
        for ours, stock in zip(masks["exact"], masks["stock"], strict=True):
            differing = differing_pixels(ours, stock)
            identical &= differing is not None
            pixels += differing or 0
        reference = join_windows(masks["stock"], scene.windows)
        joined.append(compare_masks(reference, masks["panorama"][0]))
    compared = total(joined)
    return {
        "exact_identical": identical,
        "exact_differing_pixels": pixels,
        "panorama_matched": round(compared.matched_share, 4),
        "panorama_paired": round(compared.paired_share, 4),
        "panorama_mean_iou": round(compared.mean_iou, 4),
        "stock_joined_masks": compared.reference,
        "panorama_masks": compared.found,
    }


def differing_pixels(ours: WindowMasks, stock: WindowMasks) -> int | None:
    """Pixels in which masks differ by rounding; ``None`` if they differ otherwise."""
    if len(ours) != len(stock) or ours.logits is None or ours.frame is None:
        return None
    if len(ours) == 0:
        return 0
    # Masks are sorted by area, which a pixel of rounding may change: pair them by score.
    first, second = (masks.predicted_iou.argsort(stable=True) for masks in (ours, stock))
    differing = ours.binary()[first] ^ stock.binary()[second]
    placed = ours.frame.place(ours.logits[first], ours.size)
    scores = [
        torch.allclose(getattr(ours, name)[first], getattr(stock, name)[second], atol=1e-3)
        for name in ("predicted_iou", "stability")
    ]
    if bool((differing & (placed.abs() > ROUNDING)).any()) or not all(scores):
        return None
    return int(differing.sum())


def fused_labels(last: Sequence[tuple[Scene, dict[str, list[WindowMasks]]]]) -> dict[str, Any]:
    """Fuse a stand-in for the teacher assistant with either masks.

    It knows the true labels on blocks of 8×8 pixels, and a quarter of the blocks wrongly.
    """
    differing, pixels = 0, 0
    confusion = {name: torch.zeros(CLASSES, CLASSES) for name in ("teacher", "stock", "panorama")}
    for scene, masks in last:
        if scene.label is None:
            continue
        probabilities = stand_in(scene.label)
        both = {
            "stock": join_windows(masks["stock"], scene.windows),
            "panorama": masks["panorama"][0],
        }
        labels = {name: fuse(probabilities, each, scene.windows) for name, each in both.items()}
        differing += int((labels["stock"] != labels["panorama"]).sum())
        pixels += scene.label.numel()
        for name, found in {**labels, "teacher": probabilities.argmax(dim=0)}.items():
            known = scene.label < CLASSES
            pairs = scene.label[known] * CLASSES + found[known]
            confusion[name] += torch.bincount(pairs, minlength=CLASSES**2).view(CLASSES, CLASSES)
    if pixels == 0:
        return {"panorama_fused_difference": None}
    return {
        "panorama_fused_difference": round(differing / pixels, 4),
        **{f"{name}_fused_miou": round(miou(each), 4) for name, each in confusion.items()},
    }


def stand_in(label: Tensor) -> Tensor:
    """Probabilities ``(K, H, W)`` of labels ``(H, W)``, coarse and in part wrong."""
    generator = torch.Generator().manual_seed(0)
    coarse = label[4::8, 4::8].clamp(max=CLASSES - 1).clone()
    wrong = torch.rand(coarse.shape, generator=generator) < 0.25
    elsewhere = torch.randint(coarse.numel(), coarse.shape, generator=generator)
    coarse[wrong] = coarse.flatten()[elsewhere][wrong]
    scores = F.one_hot(coarse, CLASSES).permute(2, 0, 1)[None].float()
    return F.interpolate(scores, label.shape, mode="bilinear")[0]


def fuse(probabilities: Tensor, masks: WindowMasks, windows: WindowGrid) -> Tensor:
    """Fused labels ``(H, W)`` of a panorama."""
    cut = windows.extract(masks.layers[None])[0]
    fused = CTCF(votes="softmax")(windows.extract(probabilities[None])[0], cut)
    return windows.stitch(fused.ensemble[None])[0].argmax(dim=0)


def miou(confusion: Tensor) -> float:
    """Over classes that occur."""
    union = confusion.sum(dim=0) + confusion.sum(dim=1) - confusion.diag()
    present = confusion.sum(dim=1) > 0
    return float((confusion.diag() / union)[present].mean())


def peak_memory(arguments: argparse.Namespace) -> float:
    """GiB of another process that loads the model and looks at one window."""
    command = [sys.executable, __file__, "--only-propose", "--model", arguments.model]
    command += ["--points-per-side", str(arguments.points_per_side), "--panoramas", "1"]
    command += ["--points-per-batch", "1024", "--precision", arguments.precision]
    if arguments.gate is not None:
        command += ["--gate", *(repr(float(each)) for each in arguments.gate)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout.split()[-1])


def own_peak() -> float:
    """GiB that this process has taken at most, as Linux tells it.

    Not ``ru_maxrss``, which begins with the peak of the process that this one was started from.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


if __name__ == "__main__":
    main()
