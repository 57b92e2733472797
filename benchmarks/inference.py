"""Time of a student on one panorama, by each way to run it, beside the teacher's windows.

    python benchmarks/inference.py                        # B0, B1, B2 at 2048x400 and 1024x512
    python benchmarks/inference.py --encoders mit_b0 --sizes 400 2048 --rounds 5
    python benchmarks/inference.py --memory               # and a panorama of 8192x4096 by tiles

Ways: eager, `torch.compile`, ONNX Runtime, ONNX Runtime with 8 bits. The teacher is a SegFormer-B5
that looks through windows of full height, overlapping by a third, as GoodSAM's TA does; one window
is timed and counted as often as a panorama has windows. Weights are random: they cost the same.
All ways are timed in turn, so that what else runs on the machine slows each of them alike. Prints a
table of medians and, as its last line, one JSON object; its headline are ratios.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import os
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.deploy import OnnxRunner, Uint8Network, onnx_model
from goodsam_pl.deploy.int8_file import quantize
from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.networks import SegmentationNetwork, TiledNetwork

STRIDE = 256
"""Of the teacher's windows on a panorama of 400 rows; of others in proportion."""
LARGE = (4096, 8192)
_MIB = 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoders", nargs="+", default=["mit_b0", "mit_b1", "mit_b2"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[400, 2048, 512, 1024])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--leave_out", nargs="*", default=[], help="compiled, onnx, int8, teacher")
    parser.add_argument("--memory", action="store_true", help="peak at 8192x4096, by tiles")
    arguments = parser.parse_args()
    keep_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    sizes = [*zip(arguments.sizes[::2], arguments.sizes[1::2], strict=True)]
    figures: dict[str, object] = {"threads": arguments.threads, "cores": os.cpu_count()}
    for encoder in arguments.encoders:
        network = SegmentationNetwork(encoder=encoder, circular=True).eval()
        ways = ways_of(network, arguments.leave_out)
        for height, width in sizes:
            name = f"{encoder} {width}x{height}"
            figures[name] = measure(name, ways, (height, width), arguments)
    if arguments.memory:
        figures["memory 8192x4096"] = memory()
    print(json.dumps(figures))


def ways_of(
    network: SegmentationNetwork, leave_out: list[str]
) -> dict[str, Callable[[Tensor], object]]:
    """Each way to run a network on pixels ``(1, 3, H, W)``."""
    whole = Uint8Network(network, "labels")
    logits = Uint8Network(network)
    ways: dict[str, Callable[[Tensor], object]] = {"eager": whole}
    if "compiled" not in leave_out:
        ways["compiled"] = torch.compile(whole, dynamic=False)
    if {"onnx", "int8"} - {*leave_out}:
        model = onnx_model(logits)
        threads = torch.get_num_threads()
        plain = OnnxRunner(model.SerializeToString(), threads)
        ways["onnx"] = lambda images: plain(images.numpy()).argmax(axis=1)
        if "int8" not in leave_out:
            some = [pixels(192, 512, seed).numpy() for seed in range(2)]
            small = OnnxRunner(quantize(model, some).SerializeToString(), threads)
            ways["int8"] = lambda images: small(images.numpy()).argmax(axis=1)
    return {name: way for name, way in ways.items() if name not in leave_out}


def pixels(height: int, width: int, seed: int = 0) -> Tensor:
    """An image of noise, ``(1, 3, H, W)`` uint8."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, height, width), generator=generator, dtype=torch.uint8)


def measure(
    name: str,
    ways: dict[str, Callable[[Tensor], object]],
    size: tuple[int, int],
    arguments: argparse.Namespace,
) -> dict[str, float]:
    """Seconds a panorama by each way, and the ratios that are asked for."""
    height, width = size
    images = pixels(height, width)
    windows = -(-width * 400 // (STRIDE * height))
    timed = dict.fromkeys(ways, images)
    calls = dict(ways)
    if "teacher" not in arguments.leave_out:
        teacher = Uint8Network(SegmentationNetwork(encoder="mit_b5").eval(), "labels")
        calls["teacher"], timed["teacher"] = teacher, pixels(height, height)
    seconds: dict[str, list[float]] = {each: [] for each in calls}
    with torch.no_grad():
        for call, given in zip(calls.values(), timed.values(), strict=True):
            call(given)  # compiles, and takes its memory
        for _ in range(arguments.rounds):
            for each, call in calls.items():
                begun = time.perf_counter()
                call(timed[each])
                seconds[each].append(time.perf_counter() - begun)
    medians = {each: statistics.median(values) for each, values in seconds.items()}
    if "teacher" in medians:
        medians["teacher"] *= windows
    print(f"{name}: seconds a panorama, median of {arguments.rounds}; {windows} windows")
    for each, value in medians.items():
        print(f"  {each:<10}{value:8.3f}")
    figures = {f"{each}_seconds": round(value, 3) for each, value in medians.items()}
    for each in ("compiled", "onnx", "int8"):
        if each in medians:
            figures[f"{each}_times_eager"] = round(medians["eager"] / medians[each], 2)
            if "teacher" in medians:
                figures[f"{each}_times_teacher"] = round(medians["teacher"] / medians[each], 1)
    return figures


def memory() -> dict[str, float]:
    """Peak memory of a B0 on the large panorama, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_large, args=(sending, torch.get_num_threads()))
    process.start()
    figures: dict[str, float] = receiving.recv()
    process.join()
    print(f"8192x4096 by tiles: {figures}")
    return figures


def _large(sending: multiprocessing.connection.Connection, threads: int) -> None:
    keep_memory()
    torch.set_num_threads(threads)
    network = TiledNetwork(SegmentationNetwork(circular=True).eval())
    images = torch.from_numpy(np.zeros((1, 3, *LARGE), np.float32))
    size = network.size_for(images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    with torch.no_grad():
        logits = network(images)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sending.send(
        {
            "tile_height": size.height,
            "tile_width": size.width,
            "seconds": round(time.perf_counter() - begun, 1),
            "peak_mib": round((peak - before) / 1024),
            "logits_mib": round(logits.nbytes / _MIB),
        }
    )


if __name__ == "__main__":
    main()
