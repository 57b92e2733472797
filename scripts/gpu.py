"""Everything that has to be known of a GPU, in one command and one JSON file.

    python scripts/gpu.py                        # make gpu: all parts, into gpu.json
    python scripts/gpu.py --only masks_vit_h     # one part, laid into the same file
    python scripts/gpu.py --list                 # names of the parts, and what each runs

First the tests that are marked `gpu`, then benchmarks: masks of the three official models, a
training step of each system on one and on two devices, and the loader against the step. Each part
is a process of its own with a time limit, and its result is written as soon as it ends, so that one
that fails loses nothing. A second run does what is not done yet; `--again` does all once more. A
file holds figures of one card and one version of torch.

`--device cpu --tiny` runs small stand-ins of all parts, to try this script out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import torch

from bench_table import describe_machine
from goodsam_pl.files.atomic import write_atomically

ROOT = Path(__file__).resolve().parent.parent
FORMAT = "goodsam_pl gpu 1"
SAME_CARD = ("gpu", "device", "torch", "tiny")
"""What has to be alike for two runs to share a file."""
GOALS = {"exact_ms_a_window": 60.0, "panorama_ms_a_window": 30.0}
"""Of ViT-H at 1,024 points on a card such as an H200, milliseconds."""
MOST_OF_OUTPUT = 2000


class Part(NamedTuple):
    """A process with one result.

    Attributes:
        words: of its command, after the interpreter's name.
        limit: seconds.
        devices: how many it needs.
    """

    words: list[str]
    limit: int = 540
    devices: int = 1


def main() -> None:
    """Run what is not done yet.

    Raises:
        SystemExit: a part failed, there is no such device, or the file is of another card.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--only", nargs="+", metavar="PART", help="these parts alone")
    parser.add_argument("--again", action="store_true", help="also what is done already")
    parser.add_argument("--limit", type=int, help="seconds of each part, instead of its own")
    parser.add_argument("--tiny", action="store_true", help="small stand-ins of all parts")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    arguments = parser.parse_args()
    parts = tiny_parts(arguments.device) if arguments.tiny else all_parts(arguments.device)
    if arguments.list:
        for name, part in parts.items():
            print(f"{name:<14} {' '.join(part.words)}")
        return
    if unknown := {*(arguments.only or [])} - {*parts}:
        raise SystemExit(f"there is no part {sorted(unknown)}: choose of {[*parts]}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no CUDA device here: run it where there is one, or with --device cpu")
    report = begin(arguments.out, machine(arguments.device, arguments.tiny))
    for name in arguments.only or parts:
        if report["parts"].get(name, {}).get("status") == "done" and not arguments.again:
            print(f"{name}: is done", flush=True)
            continue
        found = run(parts[name], arguments.limit, arguments.device)
        report["parts"][name] = found
        report["goals"] = goals(report["parts"])
        write_atomically(arguments.out, (json.dumps(report, indent=2) + "\n").encode())
        print(f"{name}: {found['status']} in {found['seconds']} s", flush=True)
    bad = [name for name, part in report["parts"].items() if part["status"] in ("failed", "late")]
    if bad:
        raise SystemExit(f"{arguments.out}: {', '.join(bad)} did not end well, see `told` there")


def all_parts(device: str) -> dict[str, Part]:
    """Every part, at the sizes that are asked about."""
    steps = ["benchmarks/steps.py", "--accelerator", "gpu" if device == "cuda" else "cpu"]
    steps += ["--precision", "bf16-mixed", "--steps", "20", "--workers", "4"]
    masks = ["benchmarks/window_masks.py", "--device", device, "--points-per-side", "32"]
    return {
        "tests": Part(["-m", "pytest", "-q", "-m", "gpu", "tests"]),
        **{
            f"masks_{name}": Part([*masks, "--model", name]) for name in ("vit_h", "vit_l", "vit_b")
        },
        "masks_vit_h_bf16": Part([*masks, "--model", "vit_h", "--precision", "bf16-mixed"]),
        "steps": Part(steps),
        "steps_by_two": Part([*steps, "--processes", "2"], devices=2),
        "loader": Part(["benchmarks/training.py", "--device", device]),
    }


def tiny_parts(device: str) -> dict[str, Part]:
    """As many parts, each with next to no work."""
    marked = "gpu" if device == "cuda" else "not gpu"
    steps = ["benchmarks/steps.py", "--accelerator", "gpu" if device == "cuda" else "cpu"]
    masks = ["benchmarks/window_masks.py", "--device", device, "--points-per-side", "4"]
    return {
        "tests": Part(["-m", "pytest", "-q", "-m", marked, "tests/gpu/test_losses_on_a_device.py"]),
        "masks_vit_nano": Part([*masks, "--windows", "2", "--repeats", "1"]),
        "steps": Part([*steps, "--tiny", "--systems", "source", "--steps", "1"]),
        "steps_by_two": Part([*steps, "--processes", "2"], devices=2),
    }


def machine(device: str, tiny: bool) -> dict[str, Any]:
    """The card, the driver, and what runs on them."""
    found = describe_machine("") | {"device": device, "tiny": tiny, "commit": _commit()}
    found |= {"driver": _driver(), "cuda": torch.version.cuda, "devices": 1}
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        found |= {
            "devices": torch.cuda.device_count(),
            "memory_gib": round(card.total_memory / 2**30, 1),
            "capability": f"{card.major}.{card.minor}",
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def begin(out: Path, here: dict[str, Any]) -> dict[str, Any]:
    """What a file holds already, or nothing.

    Raises:
        SystemExit: it is of another card, or no such file.
    """
    if not out.exists():
        return {"format": FORMAT, "machine": here, "parts": {}, "goals": goals({})}
    try:
        report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        there = report["machine"]
        is_ours = report["format"] == FORMAT and isinstance(report["parts"], dict)
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise SystemExit(f"{out} is no file of this script: name another one with --out")
    for key in SAME_CARD:
        if there.get(key) != here[key]:
            raise SystemExit(
                f"{out} has figures with {key} {there.get(key)}, here is {here[key]}: name another "
                "file with --out"
            )
    return report


def run(part: Part, limit: int | None, device: str) -> dict[str, Any]:
    """Run a part and tell how it ended, with its result."""
    limit = part.limit if limit is None else limit
    command = " ".join(["python", *part.words])
    found: dict[str, Any] = {"command": command, "limit_seconds": limit, "seconds": 0.0}
    there = torch.cuda.device_count() if device == "cuda" else 1
    if there < part.devices:
        return found | {"status": "left out", "told": f"needs {part.devices} devices, has {there}"}
    with tempfile.TemporaryDirectory() as folder:
        tested = Path(folder) / "tests.xml"
        words = [sys.executable, *part.words]
        words += [f"--junitxml={tested}"] if "pytest" in part.words else []
        begun = time.monotonic()
        status, told = watched(words, limit)
        found["seconds"] = round(time.monotonic() - begun, 1)
        result = count_tests(tested) if tested.is_file() else last_object(told)
    if status == "done" and result is None:
        status = "failed"
    if status != "done":
        found["told"] = told[-MOST_OF_OUTPUT:]
    return found | {"status": status, "result": result}


def watched(words: Sequence[str], limit: int) -> tuple[str, str]:
    """How a command ended, and all it said; past its limit it is killed with all it started."""
    process = subprocess.Popen(  # noqa: S603
        words,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "late", process.communicate()[0]
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return ("failed" if process.returncode else "done"), told


def count_tests(path: Path) -> dict[str, Any]:
    """What pytest wrote down."""
    suite = next(ET.parse(path).iter("testsuite"))  # noqa: S314  # our own process's
    numbers = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
    bad = [
        f"{case.get('classname')}.{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    return numbers | {"failed": bad}


def last_object(told: str) -> dict[str, Any] | None:
    """The JSON object of the last line, as benchmarks print it."""
    lines = told.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def goals(parts: dict[str, Any]) -> dict[str, Any]:
    """What ViT-H took of what it may take; ``None`` where nobody has measured."""
    result = parts.get("masks_vit_h", {}).get("result") or {}
    return {
        name: {
            "goal": goal,
            "measured": result.get(name),
            "met": None if result.get(name) is None else result[name] <= goal,
        }
        for name, goal in GOALS.items()
    }


def _driver() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    words = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip().partition("\n")[0] or None


def _commit() -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    words = [program, "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or None


if __name__ == "__main__":
    main()
