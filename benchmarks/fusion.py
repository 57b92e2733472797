"""How long a whole panorama's fusion takes, beside a plain loop over its masks.

    python benchmarks/fusion.py

One panorama of 2048x400 pixels, 19 classes, 300 overlapping ellipses as masks, all drawn from a
seed. The softmax is that of a network with a quarter of the resolution, as SegFormer has.

Ours is `Fusion.__call__`: from the softmax and the masks packed in layers to the labels of E, the
map of where they were filled, and M. The loops are given the same softmax, and the masks ready as a
list of bool arrays of the panorama's size; neither side's time has the unpacking of stored masks in
it. For each mask, from large to small, they take the labels under it, count them, and write label
and weight under it:

- the loop in PyTorch, `labels[mask]`, `bincount`, `argmax`, as published code of this family has
  it; the figure `speedup_vs_loop` is against this one;
- the same in NumPy, whose indexing by a bool array is several times as fast;
- the loop in PyTorch that writes E as probabilities too, all 19 planes under each mask; to be held
  against CTCF with its dense ensemble, which is otherwise made only when it is asked for.

All begin with an argmax of the softmax; that of the loops is one call of `torch.max`. The headline
figures are those of CTCF as the paper draws it. For comparison: the other fusions; the softmax of
unsmoothed noise, the worst case, in which no two neighbours agree; and one plain pass that reads
the softmax, below which no fusion can come. Fusions and loops are run alternately; medians and
minima are told, as other work on the machine adds to the former. With fewer free cores than
threads, threads wait for each other, and PyTorch's more than NumPy's.

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

from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.fusion import (
    CTCF,
    SEPL,
    SSA,
    CTCFv2,
    Fused,
    Fusion,
    MajorityVote,
    TrustedPool,
)

HEIGHT, WIDTH, CLASSES, MASKS = 400, 2048, 19, 300

Mask = NDArray[np.bool_]


def main() -> None:
    """Make a panorama, check that loop and fusion agree to the bit, and measure both."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40, help="of each fusion")
    parser.add_argument("--loops", type=int, default=5, help="repeats of the loops over masks")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    generator = torch.Generator().manual_seed(0)
    smooth = draw_softmax(generator, noisy=False)
    noise = draw_softmax(generator, noisy=True)
    masks = draw_masks(np.random.default_rng(0))
    layers = pack(masks)[None]

    identical = all(agrees(softmax, masks, layers) for softmax in (smooth, noise))
    pool = TrustedPool(contrast=5.0, disagreement=5.0, crossing=2.0, nested=2.0, border=1.5)
    ours: dict[str, Callable[[], object]] = {
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
        "trusted pool, with its ensemble": lambda: pool.around(smooth, layers),
    }
    tensors = [torch.from_numpy(mask) for mask in masks]
    loops: dict[str, Callable[[], object]] = {
        "loop in PyTorch": lambda: fuse_by_loop(smooth[0], tensors),
        "loop in NumPy": lambda: fuse_by_numpy_loop(smooth[0], masks),
        "loop in PyTorch, dense ensemble": lambda: fuse_by_loop(smooth[0], tensors, dense=True),
    }
    times = measure(ours, loops, arguments.repeats, arguments.loops)

    print(f"{WIDTH}x{HEIGHT}, {CLASSES} classes, {MASKS} masks in {layers.shape[1]} layers")
    print(f"  {'milliseconds':<32}{'median':>8}{'least':>8}")
    for name, each in times.items():
        print(f"  {name:<32}{statistics.median(each):8.2f}{min(each):8.2f}")
    print(json.dumps(report(times) | {"identical": identical, "threads": arguments.threads}))


def report(times: dict[str, list[float]]) -> dict[str, float]:
    """The headline figures: medians, and the same of minima."""
    figures: dict[str, float] = {}
    summaries: dict[str, Callable[[list[float]], float]] = {"": statistics.median, "_least": min}
    for suffix, of in summaries.items():
        fused, dense = of(times["CTCF"]), of(times["CTCF, and the dense ensemble"])
        loop, numpy_loop = of(times["loop in PyTorch"]), of(times["loop in NumPy"])
        figures |= {
            f"milliseconds{suffix}": round(fused, 2),
            f"loop_milliseconds{suffix}": round(loop, 1),
            f"numpy_loop_milliseconds{suffix}": round(numpy_loop, 1),
            f"speedup_vs_loop{suffix}": round(loop / fused, 1),
            f"speedup_vs_numpy_loop{suffix}": round(numpy_loop / fused, 1),
            f"speedup_dense{suffix}": round(
                of(times["loop in PyTorch, dense ensemble"]) / dense, 1
            ),
        }
    return figures


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
    probabilities: Tensor,
    masks: list[Tensor],
    threshold: float = 0.5,
    confidence: float = 0.9,
    dense: bool = False,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The flow chart read aloud: labels and weights of one window, and E if it is to be dense."""
    best, own = probabilities.max(dim=0)
    label, weight = own.clone(), (best >= confidence).float()
    ensemble = probabilities.clone() if dense else None
    for mask in masks:
        inside = own[mask]
        counts = torch.bincount(inside, minlength=CLASSES)
        winner = counts.argmax()
        accepted = bool(counts[winner] / len(inside) >= threshold)
        label[mask] = winner if accepted else inside
        weight[mask] = float(accepted)
        if ensemble is not None:
            one_hot = F.one_hot(winner, CLASSES).to(ensemble)[:, None]
            ensemble[:, mask] = one_hot if accepted else probabilities[:, mask]
    return label, weight, ensemble


def fuse_by_numpy_loop(
    probabilities: Tensor, masks: list[Mask], threshold: float = 0.5, confidence: float = 0.9
) -> tuple[Tensor, Tensor]:
    """The same in NumPy, labels and weights only."""
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
    """Whether CTCF gives what the loops give, to the bit."""
    fused = CTCF()(probabilities, layers)
    tensors = [torch.from_numpy(mask) for mask in masks]
    label, weight, ensemble = fuse_by_loop(probabilities[0], tensors, dense=True)
    other_label, other_weight = fuse_by_numpy_loop(probabilities[0], masks)
    return (
        torch.equal(fused.label[0].long(), label)
        and torch.equal(fused.weight[0], weight)
        and ensemble is not None
        and torch.equal(fused.ensemble[0], ensemble)
        and torch.equal(label, other_label)
        and torch.equal(weight, other_weight)
    )


def bind(fusion: Fusion, probabilities: Tensor, layers: Tensor) -> Callable[[], Fused]:
    """A call without arguments."""
    return lambda: fusion(probabilities, layers)


def measure(
    ours: dict[str, Callable[[], object]],
    loops: dict[str, Callable[[], object]],
    repeats: int,
    rounds: int,
) -> dict[str, list[float]]:
    """Milliseconds of each way, run in turn: in every round each loop once, ours more often."""
    ways = ours | loops
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ours.values():
        way()
    for _ in range(rounds):
        for turn in range(-(-repeats // rounds)):
            for name, way in (ways if turn == 0 else ours).items():
                begun = time.perf_counter()
                way()
                times[name].append(1e3 * (time.perf_counter() - begun))
    return times


if __name__ == "__main__":
    main()
