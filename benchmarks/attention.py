"""Memory of SSR's cross-attention: a training step as it is, and with explicit attention maps.

    python benchmarks/attention.py

A step of SSR, forward and backward of both branches of source and mixed images, with a SegFormer
and SAM's 64x64 tokens (random ones: SAM itself is the same either way and left out). Once attention
is torch's own, which never holds all scores; once scores and their softmax are tensors, as in SSR's
release. Each way runs in a fresh process: on a CPU the figure is the peak of its memory less the
peak before the step, on a GPU that of what torch has allocated likewise. Prints a table
and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.modules import SSR
from goodsam_pl.modules.ssr.cross_attention import CrossAttention
from goodsam_pl.networks import SegmentationNetwork

CHANNELS = 256
_MIB = 2**20


class Tokens:
    """Stands for SAM: random tokens of the released size, which cost nothing."""

    def __init__(self, side: int) -> None:
        self.side = side

    def propose(self, windows: Tensor) -> list[Any]:
        """No masks."""
        raise AssertionError("nobody asks for this")

    def describe(self) -> dict[str, Any]:
        """Nothing depends on it."""
        return {}

    def to(self, device: torch.device | str) -> None:
        """Nothing to move."""

    def embedding_channels(self) -> int:
        """SAM's."""
        return CHANNELS

    def input_side(self) -> int:
        """Of the squares; small, because nobody looks at them."""
        return 16

    def encode(self, images: Tensor) -> Tensor:
        """Random tokens."""
        return torch.randn(len(images), CHANNELS, self.side, self.side, device=images.device)


class ExplicitAttention(CrossAttention):
    """The same attention, with all scores in memory."""

    def forward(self, asking: Tensor, tokens: Tensor) -> Tensor:
        """As the class above."""
        values = self._split(self.keys_and_values(tokens).chunk(2, dim=-1)[1])
        found = self.shares(asking, tokens) @ values
        output: Tensor = self.output(found.transpose(1, 2).flatten(2))
        return output


class Measured(NamedTuple):
    """Of one way: what a step took above what was there, MiB, and its seconds."""

    peak: float
    seconds: float


def main() -> None:
    """Measure both ways."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", default="mit_b0", help="mit_b5 is SSR's")
    parser.add_argument("--crop", type=int, default=512, help="side, pixels; SSR's")
    parser.add_argument("--batch-size", type=int, default=1, help="SSR has 2")
    parser.add_argument("--tokens", type=int, default=64, help="side of SAM's embedding")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    measured = {}
    for way in ("sdpa", "explicit"):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            measured[way] = pool.apply(measure, (way, arguments))
    print(f"  {'':<10}{'peak, MiB':>12}{'seconds':>10}")
    for way, each in measured.items():
        print(f"  {way:<10}{each.peak:12.0f}{each.seconds:10.1f}")
    sdpa, explicit = measured["sdpa"], measured["explicit"]
    report = {
        "peak_ratio": round(sdpa.peak / explicit.peak, 3),
        "time_ratio": round(sdpa.seconds / explicit.seconds, 3),
        "sdpa_mib": round(sdpa.peak),
        "explicit_mib": round(explicit.peak),
        **{name: getattr(arguments, name) for name in ("encoder", "crop", "batch_size", "tokens")},
        "device": arguments.device,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(report))


def measure(way: str, arguments: argparse.Namespace) -> Measured:
    """One step of training, in this process."""
    keep_memory()  # as every command does
    torch.manual_seed(0)
    device = torch.device(arguments.device)
    network = SegmentationNetwork(encoder=arguments.encoder)
    module = SSR(network, Tokens(arguments.tokens)).train().to(device)
    if way == "explicit":
        for name, attention in module.attention.attentions.items():
            module.attention.attentions[name] = _explicit(attention)
    shape = (arguments.batch_size, arguments.crop, arguments.crop)
    images = torch.randn(shape[0], 3, *shape[1:], device=device)
    labels = torch.randint(0, 19, shape, device=device)
    trust = torch.ones(shape, device=device)
    before, begun = _peak(device, reset=True), time.perf_counter()
    terms = module.source_terms(images, labels) | module.mixed_terms(images, labels, trust)
    _total(list(terms.values())).backward()
    after = _peak(device)
    return Measured((after - before) / _MIB, time.perf_counter() - begun)


def _explicit(attention: Any) -> ExplicitAttention:
    width = attention.queries.in_features
    other = ExplicitAttention(width, attention.heads).to(attention.queries.weight.device)
    other.load_state_dict(attention.state_dict())
    return other


def _total(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()


def _peak(device: torch.device, reset: bool = False) -> float:
    """Bytes: of all that torch has allocated on a GPU, of this process on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        if reset:
            torch.cuda.reset_peak_memory_stats()
        return float(torch.cuda.max_memory_allocated())
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
