"""Time and memory of a training step of each system, by its preset and the real command.

    python benchmarks/steps.py                                         # all systems, on this device
    python benchmarks/steps.py --systems ssr --profile profiles        # and where the time goes
    python benchmarks/steps.py --accelerator gpu --precision bf16-mixed --processes 2

Each system's StreetWorld preset, with its own sizes and batch, is trained for some steps by
`lightning fit` in a fresh process, or by torchrun in several. Its networks begin with the weights
that ship with the package. A callback looks at the clock: `step_ms` is from the batch's arrival to
the end of the optimiser's step, `loader_ms` what passes from there to the next batch's arrival.
Medians, the first steps left out. `cpu_ms` is the time on processors of a step, where other work on
the machine counts less. Peak memory is the device's, or the process's on a processor.

Labels from words (`configs/wsss`) train as `source` does, on panoramas. Prints a table and, as its
last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import yaml
from torch.profiler import ProfilerActivity, profile

from goodsam_pl.files.presets import read_preset
from goodsam_pl.streetworld.domain_export import export_domains
from goodsam_pl.streetworld.export import export

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
PRESETS = {
    "source": "streetworld/source.yaml",
    "rectification": "streetworld/rectification.yaml",
    "distillation": "streetworld/distillation.yaml",
    "joint": "goodsam/paper.yaml",
    "ssr": "ssr/streetworld.yaml",
    "continual": "continual/streetworld.yaml",
}
TINY = {
    "size: [192, 1024]": "size: [48, 256]",
    "window_size: [192, 192]": "window_size: [48, 64]",
    "window_stride: [192, 128]": "window_stride: [48, 64]",
    "height: 192": "height: 32",
    "width: 384": "width: 96",
}
"""A quarter of the sizes."""
CONTINUAL = ["--data.init_args.score_unseen=false", "--data.init_args.buffer=4"]
"""As few images as are drawn here fill no larger buffer."""
ROWS_OF_PROFILE = 40


class StepClock(pl.Callback):
    """Writes down what steps took, and ends the training once there are enough.

    Args:
        out: the file, of the first process.
        steps: how many to measure.
        skipped: how many before, which choose kernels and fill caches.
        trace: write what each operation took of the measured steps into this file.
    """

    def __init__(self, out: str, steps: int, skipped: int = 2, trace: str | None = None) -> None:
        self.out = Path(out)
        self.steps = steps
        self.skipped = skipped
        self.trace = None if trace is None else Path(trace)
        self._profile: profile | None = None
        self._seen = 0
        self._begun = (0.0, 0.0)
        self._ended: float | None = None
        self._took: list[tuple[float, float]] = []
        self._waited: list[float] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """The batch is here, on its device."""
        if self._seen == self.skipped and self.trace is not None:
            kinds = [ProfilerActivity.CPU]
            kinds += [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
            self._profile = profile(activities=kinds, record_shapes=True)
            self._profile.__enter__()
        self._begun = now()
        if self._ended is not None and self._seen > self.skipped:
            self._waited.append(self._begun[0] - self._ended)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *others: Any
    ) -> None:
        """The optimiser has done its step."""
        self._ended, worked = now()
        if self._seen >= self.skipped:
            self._took.append((self._ended - self._begun[0], worked - self._begun[1]))
        self._seen += 1
        if self._seen == self.skipped + self.steps:
            trainer.should_stop = True
            if trainer.is_global_zero:
                self._write(pl_module.device)

    def _write(self, device: torch.device) -> None:
        found = {
            "device": device.type,
            "step_ms": milliseconds([wall for wall, _ in self._took]),
            "cpu_ms": milliseconds([worked for _, worked in self._took]),
            "loader_ms": milliseconds(self._waited),
            "peak_gib": round(peak_bytes(device) / 2**30, 3),
            "steps": len(self._took),
        }
        self.out.write_text(json.dumps(found), encoding="utf-8")
        if self._profile is not None and self.trace is not None:
            self._profile.__exit__(None, None, None)
            table = self._profile.key_averages(group_by_input_shape=True).table(
                sort_by=f"self_{device.type}_time_total",
                row_limit=ROWS_OF_PROFILE,
                max_name_column_width=45,
                max_shapes_column_width=60,
            )
            self.trace.write_text(table, encoding="utf-8")


def now() -> tuple[float, float]:
    """Seconds by the clock and on processors, once a device has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def milliseconds(seconds: list[float]) -> float | None:
    """Of the median; ``None`` of none."""
    return round(1000 * statistics.median(seconds), 1) if seconds else None


def peak_bytes(device: torch.device) -> int:
    """What a device has given out at most, or the processor's memory to this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def main() -> None:
    """Measure all systems that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--systems", nargs="+", choices=[*PRESETS], default=[*PRESETS])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="of each loader")
    parser.add_argument("--tiny", action="store_true", help="small images, to try this out")
    parser.add_argument("--data", type=Path, help="keep the images here; they are drawn once")
    parser.add_argument("--profile", type=Path, help="folder for what each operation took")
    arguments = parser.parse_args()
    if arguments.profile is not None:
        arguments.profile.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {
        "precision": arguments.precision,
        "processes": arguments.processes,
        "threads": torch.get_num_threads(),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw(arguments.data or root, arguments)
        for system in arguments.systems:
            figures[system] = measure(system, root, arguments)
            print(f"{system:<14} {figures[system]}", flush=True)
    print(json.dumps(figures))


def draw(root: Path, arguments: argparse.Namespace) -> None:
    """The few images that the systems train on, again and again."""
    systems, every = {*arguments.systems}, arguments.processes
    if systems - {"continual"}:
        sizes: dict[str, Any] = {"source_size": (64, 128), "panorama_size": (48, 256)}
        export(
            root / "streetworld",
            source_train=8 * every if systems & {"source", "ssr"} else 0,
            source_val=0,
            target_train=4 * every if systems - {"source", "continual"} else 0,
            target_val=0,
            target_test=0,
            workers=1,
            **(sizes if arguments.tiny else {}),
        )
    if "continual" in systems:
        size = 48 if arguments.tiny else 192
        export_domains(
            root / "street_domains", train=8 * every, val=1, test=1, size=size, workers=1
        )


def measure(system: str, root: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """What a system's steps take.

    Raises:
        SystemExit: its training failed.
    """
    config, out = root / f"{system}.yaml", root / f"{system}.json"
    data = (arguments.data or root).absolute()
    moved = {f"data/{name}": f"{data}/{name}" for name in ("streetworld", "street_domains")}
    moved |= {f"{data}/streetworld/{name}": f"{root}/{name}" for name in ("masks", "targets")}
    moved |= {"runs/continual": f"{root}/continual"}
    starts = ("source/last.ckpt", "rectification/last.ckpt")
    moved |= {f"runs/streetworld/{start}": "streetworld" for start in starts}
    text = preset_text(CONFIGS / PRESETS[system], moved | (TINY if arguments.tiny else {}))
    config.write_text(text, encoding="utf-8")
    words = [*launcher(arguments.processes), "fit", f"--config={config}"]
    words += [f"--trainer.{key}={value}" for key, value in trainer_options(root, arguments).items()]
    words += ["--trainer.callbacks+=steps.StepClock", f"--trainer.callbacks.out={out}"]
    words += [f"--trainer.callbacks.steps={arguments.steps}"]
    if arguments.profile is not None:
        words += [f"--trainer.callbacks.trace={arguments.profile / system}.txt"]
    words += particular(system, arguments)
    path = os.pathsep.join([str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(  # noqa: S603
        words, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode or not out.is_file():
        raise SystemExit(f"{system}: {' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def preset_text(path: Path, put: Mapping[str, str]) -> str:
    """A preset in one file, pieces of its text replaced in this order."""
    text = yaml.safe_dump(read_preset(path), sort_keys=False, default_flow_style=None)
    for old, new in put.items():
        text = text.replace(old, new)
    return text


def launcher(processes: int) -> list[str]:
    """What begins the command line of a training."""
    if processes == 1:
        return [sys.executable, "-m", "goodsam_pl"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*torchrun, f"--nproc_per_node={processes}", "-m", "goodsam_pl"]


def trainer_options(root: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """What differs from the preset; nothing is logged, as nothing is looked at."""
    options: dict[str, object] = {
        "accelerator": arguments.accelerator,
        "devices": arguments.processes,
        "precision": arguments.precision,
        "limit_val_batches": 0,
        "logger": "false",
        "enable_progress_bar": "false",
        "default_root_dir": root / "run",
    }
    return options | ({"strategy": "ddp"} if arguments.processes > 1 else {})


def particular(system: str, arguments: argparse.Namespace) -> list[str]:
    """Options of one system alone."""
    workers = f"num_workers={arguments.workers}"
    if system == "ssr":
        loaders = [f"--data.init_args.{side}.init_args.{workers}" for side in ("source", "target")]
    else:
        loaders = [f"--data.init_args.{workers}"]
    epochs = {"ssr": [], "continual": CONTINUAL}
    more_epochs = ["--trainer.max_epochs=-1", "--trainer.max_steps=100000"]
    return [*loaders, *epochs.get(system, more_epochs)]


if __name__ == "__main__":
    main()
