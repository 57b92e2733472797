"""The main job: StreetWorld, teacher assistant, SAM masks, rectification, distillation, a table.

Every step is an ordinary command and is printed before it runs, in a process of its own that is
forked from this one. Results of a seed land in ``runs/demo/seed_<seed>``;
``runs/demo/results.json`` and ``overview.png`` are those of the latest.

    python scripts/demo.py --seed 0
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import csv
import json
import os
import resource
import runpy
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from goodsam_pl.cli.entry import main as run_goodsam
from goodsam_pl.cli.streams import Terminated, terminable
from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.files.overrides import mapped_texts
from goodsam_pl.files.presets import read_preset

ROOT = Path(__file__).resolve().parent.parent
PRESETS = ROOT / "configs" / "streetworld"
DATA = ROOT / "data" / "streetworld"
RUNS = ROOT / "runs" / "demo"

ROWS = {
    "source_only": "source-only B0, whole panorama",
    "ta_whole": "teacher assistant, whole panorama",
    "ta_windowed": "teacher assistant, windowed",
    "fused": "fused pseudo-labels",
    "ta_rectified": "rectified teacher assistant, windowed",
    "fused_rectified": "its fused pseudo-labels",
    "student": "student B0, whole panorama",
}


def main() -> None:
    """Run all steps for one seed."""
    keep_memory()  # every fork inherits it
    import goodsam_pl.cli.training  # noqa: F401, PLC0415  # ten seconds, which every fork inherits

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="seed of every training")
    seed = parser.parse_args().seed
    started = time.monotonic()
    run = RUNS / f"seed_{seed}"
    shutil.rmtree(run, ignore_errors=True)
    configs = write_configs(run, seed)

    goodsam("streetworld", f"--out={DATA}")  # the world is the same for every seed
    goodsam("fit", f"--config={configs['source']}")
    goodsam(
        "test",
        f"--config={configs['rectification']}",
        f"--model.init_args.teacher_assistant.init_args.weights={run / 'source' / 'last.ckpt'}",
    )
    before = read_miou(run / "rectification" / "test_classes.csv")
    goodsam("fit", f"--config={configs['rectification']}")
    rectified = run / "rectification" / "last.ckpt"
    goodsam("test", f"--config={configs['rectified']}", f"--ckpt_path={rectified}")
    after = read_miou(run / "rectification" / "test_classes.csv")
    goodsam("fit", f"--config={configs['distillation']}")
    distilled = run / "distillation" / "last.ckpt"
    goodsam("test", f"--config={configs['distillation']}", f"--ckpt_path={distilled}")
    student = read_miou(run / "distillation" / "test_classes.csv")

    miou = {
        "source_only": before["iou_whole"],  # the TA of the demo is the source-only network
        "ta_whole": before["iou_whole"],
        "ta_windowed": before["iou"],
        "fused": before["iou_fused"],
        "ta_rectified": after["iou"],
        "fused_rectified": after["iou_fused"],
        "student": student["iou"],
    }
    draw_overview(configs, run)
    results = {
        "miou": {name: round(100 * value, 2) for name, value in miou.items()},
        "seconds": round(time.monotonic() - started, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20, 2),
        "seed": seed,
    }
    (run / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for name in ("results.json", "overview.png"):
        shutil.copy(run / name, RUNS / name)
    show(results)


def write_configs(run: Path, seed: int) -> dict[str, Path]:
    """Write the presets with the run's folder and seed, and the precision that is fast here."""
    run.mkdir(parents=True)
    import torch  # noqa: PLC0415  # as late as the other long imports

    fast = torch.cpu._is_amx_tile_supported()  # noqa: SLF001  # torch has no public question for it

    def put(text: str) -> str:
        return text.replace("runs/streetworld", str(run)).replace("data/streetworld", str(DATA))

    trees = {}
    for name in ("source", "rectification", "distillation"):
        tree = mapped_texts({"seed_everything": seed, **read_preset(PRESETS / f"{name}.yaml")}, put)
        if fast:
            tree["trainer"]["precision"] = "bf16-mixed"
        trees[name] = tree
    # rectified, it is fused as the student hears it
    rectified = copy.deepcopy(trees["rectification"])
    rectified["model"]["init_args"]["teachers"] = trees["distillation"]["model"]["init_args"][
        "teachers"
    ]
    written = {}
    for name, tree in {**trees, "rectified": rectified}.items():
        written[name] = run / f"{name}.yaml"
        written[name].write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return written


def goodsam(*arguments: str) -> None:
    """Run one command of ours."""
    print(f"\n$ goodsam {' '.join(arguments)}", flush=True)
    run_in_fork(run_goodsam, "goodsam", *arguments)


def run_in_fork(function: Callable[[], Any], *command_line: str) -> None:
    """Run in a process of its own, so that memory and loggers end with it.

    It ends with this one, however that ends, and so do the processes that it starts.

    Raises:
        SystemExit: it failed, or was stopped.
    """
    watched, held = os.pipe()  # the end that is held closes with this process
    child = os.fork()
    if child == 0:
        os.close(held)
        os.setpgid(0, 0)
        threading.Thread(target=end_with_parent, args=(watched,), daemon=True).start()
        ended = 1
        try:
            sys.argv = [*command_line]
            function()
            import wandb  # noqa: PLC0415  # likewise

            wandb.teardown()
            ended = 0
        except SystemExit as error:
            ended = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001  # whatever it was, this process ends here
            traceback.print_exc()
        finally:
            # not the usual exit, whose handlers would tidy up what belongs to the parent
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended)
    os.close(watched)
    with contextlib.suppress(OSError):  # the child itself may have been sooner, or is gone
        os.setpgid(child, child)
    try:
        status = os.waitpid(child, 0)[1]
    except KeyboardInterrupt as stop:  # from the terminal, which does not reach the child's group
        number = signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT
        os.killpg(child, number)
        os.waitpid(child, 0)
        raise SystemExit(128 + number) from None
    finally:
        os.close(held)
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise SystemExit(f"{' '.join(command_line)} ended with {code}")


def end_with_parent(watched: int) -> None:
    """End this process and all of its group when the other end of a pipe is closed."""
    os.read(watched, 1)
    os.killpg(0, signal.SIGKILL)


def read_miou(path: Path) -> dict[str, float]:
    """The row of means of a per-class table: fractions by column."""
    with path.open(encoding="utf-8") as file:
        rows = {row.pop("class"): row for row in csv.DictReader(file)}
    return {kind: float(value) for kind, value in rows["mean"].items()}


def draw_overview(configs: dict[str, Path], run: Path, panoramas: int = 3) -> None:
    """Image, masks, TA, fused labels, student and ground truth of a few test panoramas."""
    script = str(ROOT / "scripts" / "overview.py")
    run_in_fork(
        lambda: runpy.run_path(script, run_name="__main__"),
        script,
        f"--config={configs['rectified']}",
        f"--student_config={configs['distillation']}",
        f"--teacher_assistant={run / 'source' / 'last.ckpt'}",
        f"--student={run / 'distillation' / 'last.ckpt'}",
        f"--out={run / 'overview.png'}",
        f"--panoramas={panoramas}",
    )


def show(results: dict[str, Any]) -> None:
    """Print the table."""
    table = Table("target test set", title=f"StreetWorld, seed {results['seed']}")
    table.add_column("mIoU, %", justify="right")
    for name, words in ROWS.items():
        style = "bold" if name == "student" else None
        table.add_row(words, f"{results['miou'][name]:.2f}", style=style)
    Console().print(table)
    print(
        f"{results['seconds']} s, peak memory {results['peak_memory_gb']} GB; "
        f"see {RUNS / 'results.json'} and {RUNS / 'overview.png'}"
    )


if __name__ == "__main__":
    with terminable():
        main()
