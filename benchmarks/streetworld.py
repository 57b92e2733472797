"""Panoramas of 1024x192 a second on one core, scene building included.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/streetworld.py

Prints a line a round and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch

from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.streetworld import SPLITS, make_city, view


def main() -> None:
    """Time rounds of panoramas of the target city and report the median round."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--panoramas", type=int, default=12, help="in each round")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    city = make_city("target")
    seeds = SPLITS["train"][: arguments.panoramas]
    view(seeds[0], city, "equirectangular")
    wall, processor = [], []
    for number in range(arguments.rounds):
        started, worked = time.perf_counter(), time.process_time()
        for seed in seeds:
            view(seed, city, "equirectangular")
        wall.append(len(seeds) / (time.perf_counter() - started))
        processor.append(len(seeds) / (time.process_time() - worked))
        print(f"round {number}: {wall[-1]:.2f} a second, {processor[-1]:.2f} a processor second")
    report = {
        "panoramas_per_second": round(statistics.median(wall), 2),
        "panoramas_per_processor_second": round(statistics.median(processor), 2),
        "size": [192, 1024],
        "rounds": arguments.rounds,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
