"""Train ``vit_nano``, the small SAM that comes with the package, on StreetWorld instances.

    python scripts/train_nano_sam.py --out runs/nano

It never sees a class: an instance is a set of pixels with the same id. Scenes are those of the
``sam_train`` seeds, both cities at every severity. A run that was interrupted goes on where its
last checkpoint was. ``scripts/measure_nano_sam.py`` measures the result.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from segment_anything.modeling import Sam
from torch.nn.utils import clip_grad_norm_

from goodsam_pl.networks.small_sam import build_small_sam
from goodsam_pl.streetworld import SPLITS
from nano_sam.objective import encoder_losses, losses
from nano_sam.prompts import draw_batch
from nano_sam.scenes import render_pictures

WEIGHTS = (("focal", 20.0), ("dice", 1.0), ("iou", 1.0), ("affinity", 1.0))


def main() -> None:
    """Parse the arguments, render what is not yet rendered, and train."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="checkpoint, log and weights")
    parser.add_argument("--cache", type=Path, default=Path("data/nano_sam"), help="rendered scenes")
    parser.add_argument("--panoramas", type=int, default=800)
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--encoder-steps", type=int, default=600, help="the first, decoder idle")
    parser.add_argument("--windows", type=int, default=4, help="windows in a step")
    parser.add_argument("--clicks", type=int, default=12, help="clicks on a window")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    Training(arguments).run()


class Training:
    """One run: networks, optimiser, data and what is written.

    Args:
        arguments: of the command line.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        torch.manual_seed(arguments.seed)
        self.sam = build_small_sam().train()
        self.average = copy.deepcopy(self.sam).requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.AdamW(
            self.sam.parameters(), lr=arguments.learning_rate, weight_decay=0.05, betas=(0.9, 0.98)
        )
        self.step = 0
        self.checkpoint = arguments.out / "checkpoint.pt"
        if self.checkpoint.exists():
            self._resume()
        seeds = SPLITS["sam_train"]
        self.panoramas = render_pictures(
            arguments.cache, seeds[: arguments.panoramas], "equirectangular"
        )
        self.photographs = render_pictures(
            arguments.cache, seeds[100_000:][: arguments.photographs], "pinhole"
        )

    def run(self) -> None:
        """Train to the last step; write weights and checkpoint now and then, and at the end."""
        log = self.arguments.out / "log.jsonl"
        sums: dict[str, float] = {}
        since = time.perf_counter()
        while self.step < self.arguments.steps:
            for name, value in self._one_step().items():
                sums[name] = sums.get(name, 0.0) + value
            self.step += 1
            if self.step % 50 == 0:
                means = {name: round(value / 50, 4) for name, value in sums.items()}
                seconds = round((time.perf_counter() - since) / 50, 3)
                line = json.dumps({"step": self.step, **means, "seconds": seconds})
                print(line, flush=True)
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(line + "\n")
                sums, since = {}, time.perf_counter()
            if self.step % 250 == 0:
                self.save()
        self.save()

    def save(self) -> None:
        """Write the checkpoint, and the averaged weights in half precision."""
        state = {
            "sam": self.sam.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)
        write_weights(self.average, self.arguments.out / "vit_nano.safetensors")

    def _one_step(self) -> dict[str, float]:
        arguments = self.arguments
        seed = [arguments.seed, self.step]
        batch = draw_batch(
            self.panoramas, self.photographs, arguments.windows, arguments.clicks, seed
        )
        rate = arguments.learning_rate * schedule(self.step, arguments.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        generator = torch.Generator().manual_seed(self.step)
        with torch.autocast("cpu", torch.bfloat16):
            if self.step < arguments.encoder_steps:
                parts = encoder_losses(self.sam, batch)
            else:
                others = shared(self.step - arguments.encoder_steps)
                parts = losses(self.sam, batch, generator, others)
        torch.stack(
            [weight * parts[name] for name, weight in WEIGHTS if name in parts]
        ).sum().backward()
        clip_grad_norm_(self.sam.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._update_average()
        return {name: value.item() for name, value in parts.items()}

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(0.999, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.sam.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1 - decay)

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
        self.sam.load_state_dict(state["sam"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def schedule(step: int, steps: int, warm_up: int = 200) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def shared(step: int, until: int = 600) -> float:
    """How much the masks that are not best count: all alike first, a tenth from ``until`` on."""
    return max(0.1, 2 / 3 * (1 - step / until))


def write_weights(sam: Sam, path: Path) -> None:
    """Write half-precision weights; the file changes as a whole or not at all."""
    half = {name: tensor.half().contiguous() for name, tensor in sam.state_dict().items()}
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(save(half))
    part.replace(path)


if __name__ == "__main__":
    main()
