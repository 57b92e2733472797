"""How long a whole panorama's fusion takes, beside a plain loop over its masks.

    python benchmarks/fusion.py

One panorama of 2048x400 pixels, 19 classes, 300 overlapping ellipses as masks, all drawn from a
seed. The softmax is that of a network with a quarter of the resolution, as SegFormer has. The loop
takes the masks as a list of bool arrays and fills labels and weights mask by mask, from large to
small; it writes no dense ensemble either, and has its argmax from one call of `torch.max`.

The headline figures are those of CTCF as the paper draws it. For comparison: the other
fusions; the softmax of unsmoothed noise, the worst case, in which no two neighbours agree; and one
plain pass that reads the softmax, below which no fusion can come. Fusions and loop are run
alternately; medians and minima are told, as other work on the machine adds to the former.

Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from goodsam_pl.fusion import CTCF, SEPL, SSA, CTCFv2, FusedWindows, Fusion, MajorityVote

HEIGHT, WIDTH, CLASSES, MASKS = 400, 2048, 19, 300

Mask = NDArray[np.bool_]


def main() -> None:
    """Make a panorama, check that loop and fusion agree to the bit, and measure both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40, help="of each fusion")
    parser.add_argument("--loops", type=int, default=5, help="repeats of the loop over masks")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    generator = torch.Generator().manual_seed(0)
    smooth = draw_softmax(generator, noisy=False)
    noise = draw_softmax(generator, noisy=True)
    masks = draw_masks(np.random.default_rng(0))
    layers = pack(masks)[None]

    identical = all(agrees(softmax, masks, layers) for softmax in (smooth, noise))
    ways: dict[str, Callable[[], object]] = {
        "read the softmax once (amax)": lambda: smooth.amax(dim=1),
        "its argmax by torch.max": lambda: smooth.max(dim=1),
        "CTCF": bind(CTCF(), smooth, layers),
        "CTCF, and the dense ensemble": lambda: CTCF()(smooth, layers).ensemble,
        "CTCF, votes by confidence": bind(CTCF(votes="confidence"), smooth, layers),
        "CTCF, votes by softmax": bind(CTCF(votes="softmax"), smooth, layers),
        "CTCF, worst case": bind(CTCF(), noise, layers),
        "CTCFv2": bind(CTCFv2(), smooth, layers),
        "majority vote": bind(MajorityVote(), smooth, layers),
        "SSA": bind(SSA(), smooth, layers),
        "SEPL": bind(SEPL(), smooth, layers),
    }
    times = measure(ways, arguments.repeats)
    loops = measure({"loop": lambda: fuse_by_loop(smooth[0], masks)}, arguments.loops)["loop"]

    print(f"{WIDTH}x{HEIGHT}, {CLASSES} classes, {MASKS} masks in {layers.shape[1]} layers")
    print(f"  {'milliseconds':<32}{'median':>8}{'least':>8}")
    for name, each in {**times, "loop over masks": loops}.items():
        print(f"  {name:<32}{statistics.median(each):8.2f}{min(each):8.2f}")
    ours, loop = statistics.median(times["CTCF"]), statistics.median(loops)
    report = {
        "milliseconds": round(ours, 2),
        "milliseconds_least": round(min(times["CTCF"]), 2),
        "loop_milliseconds": round(loop, 1),
        "speedup_vs_loop": round(loop / ours, 1),
        "speedup_vs_loop_least": round(min(loops) / min(times["CTCF"]), 1),
        "identical": identical,
        "threads": arguments.threads,
    }
    print(json.dumps(report))


def draw_softmax(generator: torch.Generator, noisy: bool) -> Tensor:
    """Probabilities ``(1, K, H, W)``: of broad regions, or of noise."""
    if noisy:
        return torch.randn(1, CLASSES, HEIGHT, WIDTH, generator=generator).softmax(dim=1)
    regions = torch.randn(1, CLASSES, HEIGHT // 32, WIDTH // 32, generator=generator)
    quarter = (HEIGHT // 4, WIDTH // 4)
    logits = 4 * F.interpolate(regions, quarter, mode="bicubic")
    logits += 0.1 * torch.randn(1, CLASSES, *quarter, generator=generator)
    return F.interpolate(logits, (HEIGHT, WIDTH), mode="bilinear").softmax(dim=1)


def draw_masks(generator: np.random.Generator) -> list[Mask]:
    """Ellipses of 100 to 20 000 pixels, less where the image cuts them, largest first."""
    rows, columns = np.arange(HEIGHT)[:, None], np.arange(WIDTH)
    found = []
    for top, left, size, shape in generator.random((MASKS, 4)):
        slenderness = 3 ** (2 * shape - 1)
        down = (rows - top * HEIGHT) ** 2 / slenderness
        across = (columns - left * WIDTH) ** 2 * slenderness
        found.append(down + across <= 100 * 200**size / np.pi)
    return sorted(found, key=lambda mask: -int(mask.sum()))


def pack(masks: list[Mask]) -> Tensor:
    """Ids of masks in layers, each mask in the first where it overlaps with none: ``(L, H, W)``."""
    layers: list[NDArray[np.int16]] = []
    for index, mask in enumerate(masks):
        layer = next((each for each in layers if each[mask].max() < 0), None)
        if layer is None:
            layer = np.full((HEIGHT, WIDTH), -1, dtype=np.int16)
            layers.append(layer)
        layer[mask] = index
    return torch.from_numpy(np.stack(layers))


def fuse_by_loop(
    probabilities: Tensor, masks: list[Mask], threshold: float = 0.5, confidence: float = 0.9
) -> tuple[Tensor, Tensor]:
    """The flow chart read aloud: labels and weights of one window."""
    best, own = (each.numpy() for each in probabilities.max(dim=0))
    label, weight = own.copy(), (best >= np.float32(confidence)).astype(np.float32)
    for mask in masks:
        inside = own[mask]
        counts = np.bincount(inside, minlength=CLASSES)
        winner = counts.argmax()
        accepted = counts[winner] / len(inside) >= threshold
        label[mask] = winner if accepted else inside
        weight[mask] = accepted
    return torch.from_numpy(label), torch.from_numpy(weight)


def agrees(probabilities: Tensor, masks: list[Mask], layers: Tensor) -> bool:
    """Whether CTCF gives what the loop gives, to the bit."""
    fused = CTCF()(probabilities, layers)
    label, weight = fuse_by_loop(probabilities[0], masks)
    return torch.equal(fused.label[0].long(), label) and torch.equal(fused.weight[0], weight)


def bind(fusion: Fusion, probabilities: Tensor, layers: Tensor) -> Callable[[], FusedWindows]:
    """A call without arguments."""
    return lambda: fusion(probabilities, layers)


def measure(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Milliseconds of each way, run in turn."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(repeats):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            times[name].append(1e3 * (time.perf_counter() - begun))
    return times


if __name__ == "__main__":
    main()
