"""How much sooner a task of continual SAM is over when what the encoder says is kept.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/continual.py

A task as trainings have it: MoDA's adapter learns from the same images in each of some epochs, in
batches, by the steps of Lightning's loop without Lightning. The baseline encodes in each step; the
other has a new folder, so that its first epoch encodes and writes, and all others read. Times are
of the processor, so that what else runs on the machine weighs little. Images are noise: times do
not depend on what is in them.

Prints, as its last line, one JSON object; ``ratio`` is that of both times of the whole task.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from segment_anything import sam_model_registry
from torch import Generator

from goodsam_pl.modules.continual import (
    AdapterRecipe,
    FineTuning,
    KeptEmbeddings,
    MaskPoints,
    PromptedBatch,
)
from goodsam_pl.sam.frozen_sam import FrozenSam

BATCH = 4


def main() -> None:
    """Train one task in both ways, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="vit_b", help="vit_b has random weights, of full size")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=10, help="MoDA's release has 20")
    parser.add_argument("--rounds", type=int, default=1, help="the median of them is told")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if arguments.model == "vit_nano":
        sam = FrozenSam.of("vit_nano")
        sam.read_postponed()
    else:
        sam = FrozenSam(sam_model_registry[arguments.model](), arguments.model)
    together = min(BATCH, arguments.images)
    batches = [some_images(sam, together, seed) for seed in range(arguments.images // together)]
    fresh, kept = [], []
    for _ in range(arguments.rounds):
        fresh.append(seconds_of_task(sam, batches, arguments.epochs))
        with tempfile.TemporaryDirectory() as folder:
            store = KeptEmbeddings(Path(folder), sam)
            keeping = [replace(batch, kept=store) for batch in batches]
            kept.append(seconds_of_task(sam, keeping, arguments.epochs))
    each_step, once = statistics.median(fresh), statistics.median(kept)
    report = {
        "model": arguments.model,
        "images": together * len(batches),
        "epochs": arguments.epochs,
        "encoded_each_step_s": round(each_step, 2),
        "kept_s": round(once, 2),
        "ratio": round(each_step / once, 2),
    }
    print(json.dumps(report))


def some_images(sam: FrozenSam, count: int, seed: int) -> PromptedBatch:
    """A batch with a rectangle in each image, asked at its middle."""
    side = sam.shape.side
    images = torch.randn(count, 3, side, side, generator=Generator().manual_seed(seed))
    masks = torch.zeros(count, side, side, dtype=torch.bool)
    masks[:, side // 4 : side // 2, side // 4 : side // 2] = True
    points = torch.full((count, 1, 2), 3 * side / 8)
    return PromptedBatch.of(images, [("points", torch.arange(count), points)], masks)


def seconds_of_task(sam: FrozenSam, batches: list[PromptedBatch], epochs: int) -> float:
    """Of the processor, for a task from its first step to its last."""
    method = FineTuning(sam, AdapterRecipe("hq"), MaskPoints())
    optimizer = torch.optim.Adam(method.learned().values(), lr=1e-3)
    random = Generator().manual_seed(0)
    begin = time.process_time()
    for _ in range(epochs):
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            torch.stack([*method.loss_terms(batch, random).values()]).sum().backward()
            optimizer.step()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
