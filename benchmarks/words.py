"""SAM 3 asked for many classes: all phrases at one encoding, beside one call a class.

    OMP_NUM_THREADS=1 python benchmarks/words.py
    python benchmarks/words.py --checkpoint FOLDER --device cuda --precision bf16-mixed
    python benchmarks/words.py --published --device cuda    # of the published size, random weights

On the same weights, windows and machine, by turns: ``Sam3Concepts.propose`` with all classes
(*together*), and with one class after the other (*one by one*), as ``panosam`` and most scripts
ask. Without a checkpoint, random weights of a small SAM 3 are drawn; a threshold then lets some 5 %
of the masks pass. Beside each time by the clock stands that of the processor (*cpu*), which does
not count other processes of the machine, and the arithmetic that PyTorch counts (*gflop*), which
depends on no machine. Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.sam import Sam3Concepts
from goodsam_pl.streetworld import SPLITS, make_city, view
from goodsam_pl.taxonomy import get_taxonomy
from stock.random_sam3 import PUBLISHED, SMALL, write_random_sam3

SURVIVING = 0.05
SIZE = (192, 192)


class Turn(NamedTuple):
    """Masks, and seconds that they took, by the clock and of the processor."""

    masks: list[ConceptMasks]
    seconds: float
    cpu: float


def main() -> None:
    """Measure one model."""
    keep_memory()  # as every command does
    arguments = parse()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    windows, concepts = scene(arguments.windows), classes()[: arguments.classes]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, threshold = arguments.checkpoint, 0.5
        if checkpoint is None:
            torch.manual_seed(0)
            size = PUBLISHED if arguments.published else SMALL
            checkpoint = str(write_random_sam3(Path(folder), size))
        proposer = Sam3Concepts(checkpoint, precision=arguments.precision)
        proposer.to(arguments.device)
        if arguments.checkpoint is None:
            threshold = random_gate(proposer, windows, concepts[:1])
        proposer.score_threshold = threshold
        report = measure(proposer, windows, concepts, arguments.repeats)
    for name, value in report.items():
        print(f"{name:<28} {value}")
    print(json.dumps(report))


def parse() -> argparse.Namespace:
    """Options, with what is affordable on two cores as defaults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", help="a folder or a name on the hub")
    parser.add_argument("--published", action="store_true", help="random, of the published size")
    parser.add_argument("--classes", type=int, default=19)
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--threads", type=int)
    return parser.parse_args()


def scene(count: int) -> ConceptWindows:
    """Some windows of a held-out panorama of StreetWorld."""
    panorama = view(SPLITS["test"][0], make_city("target"), "equirectangular")
    image = torch.from_numpy(panorama.image.copy()).permute(2, 0, 1)
    size = (image.shape[1], image.shape[2])
    grid = WindowGrid.cover(size, SIZE, (SIZE[0], SIZE[1] // 2))
    pixels = grid.extract(image[None])[0][:count]
    corners = torch.zeros(len(pixels), 2, dtype=torch.long)  # no one looks at them here
    return ConceptWindows("street", pixels, corners, size)


def classes() -> tuple[Concept, ...]:
    """The 19 classes of Cityscapes, one phrase each."""
    return tuple(Concept(name, (name,)) for name in get_taxonomy("cityscapes-19").classes)


def random_gate(
    proposer: Sam3Concepts, windows: ConceptWindows, concepts: tuple[Concept, ...]
) -> float:
    """The score that a share of all masks surpasses."""
    proposer.score_threshold = 0.0
    scores = torch.cat([masks.scores for masks in proposer.propose(windows, concepts)])
    return float(scores.quantile(1 - SURVIVING))


def measure(
    proposer: Sam3Concepts,
    windows: ConceptWindows,
    concepts: tuple[Concept, ...],
    repeats: int,
) -> dict[str, str | int | float]:
    """Seconds and arithmetic a window, of both ways."""
    alone: list[tuple[Concept, ...]] = [(concept,) for concept in concepts]
    asked: dict[str, list[tuple[Concept, ...]]] = {"together": [concepts], "one_by_one": alone}
    counted = {name: gigaflop(proposer, windows, calls) for name, calls in asked.items()}
    turns: dict[str, list[Turn]] = {name: [] for name in asked}
    for _ in range(repeats):
        for name, calls in asked.items():
            turns[name].append(turn(proposer, windows, calls))
    count = len(windows.pixels)
    report: dict[str, str | int | float] = {
        "device": proposer_device(proposer),
        "precision": proposer.precision,
        "classes": len(concepts),
        "windows": count,
        "masks_a_window": sum(map(len, turns["together"][0].masks)) / count,
        "same_number_of_masks": sum(map(len, turns["together"][0].masks))
        == sum(map(len, turns["one_by_one"][0].masks)),
    }
    for name, taken in turns.items():
        report[f"{name}_s"] = round(statistics.median(each.seconds for each in taken) / count, 3)
        report[f"{name}_cpu_s"] = round(statistics.median(each.cpu for each in taken) / count, 3)
        report[f"{name}_gflop"] = round(counted[name] / count, 2)
    for unit in ("s", "cpu_s", "gflop"):
        slow, fast = (float(report[f"{name}_{unit}"]) for name in ("one_by_one", "together"))
        report[f"ratio_{unit}"] = round(slow / max(fast, 1e-9), 2)
    return report


def turn(proposer: Sam3Concepts, windows: ConceptWindows, calls: list[tuple[Concept, ...]]) -> Turn:
    """One call after the other."""
    begin, cpu = time.perf_counter(), time.process_time()
    masks = [found for concepts in calls for found in proposer.propose(windows, concepts)]
    return Turn(masks, time.perf_counter() - begin, time.process_time() - cpu)


def gigaflop(
    proposer: Sam3Concepts, windows: ConceptWindows, calls: list[tuple[Concept, ...]]
) -> float:
    """Arithmetic of the networks, text encoder included; also warms up."""
    with FlopCounterMode(display=False) as counter:
        turn(proposer, windows, calls)
    return float(counter.get_total_flops()) / 1e9


def proposer_device(proposer: Sam3Concepts) -> str:
    """The name of the accelerator, or cpu."""
    on_gpu = proposer._model.device.type == "cuda"  # noqa: SLF001  # only to tell it
    return torch.cuda.get_device_name() if on_gpu else "cpu"


if __name__ == "__main__":
    main()
