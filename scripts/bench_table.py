"""Write the table of all benchmarks from the lines that `make bench` keeps.

    python scripts/bench_table.py --results benchmarks/results --out docs/benchmarks.md

Ratios are what the table shows; times of one machine say little about another. `make bench` writes
the machine beside each result with `--describe`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

HEADLINE = re.compile("speedup|ratio|sooner|of_perfect|overhead|matched")
"""Names of values that have no unit, and so hold on other machines roughly as well."""

MACHINE = "machine.json"

HEAD = """# Benchmarks

Ratios, each of two things measured in one run on one machine. `make bench` measures all of them and
writes this page; each file of `benchmarks/` says in its first lines what it compares. Values
without a ratio, such as times, are in `benchmarks/results`, one JSON object a benchmark.

"""


def main() -> None:
    """Describe the machine, or write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    parser.add_argument("--describe", action="store_true", help="write the machine down instead")
    parser.add_argument("--note", default="", help="what else ran meanwhile, for readers")
    arguments = parser.parse_args()
    if arguments.describe:
        text = json.dumps(describe_machine(arguments.note))
        (arguments.results / MACHINE).write_text(f"{text}\n", encoding="utf-8")
        return
    arguments.out.write_text(page(arguments.results), encoding="utf-8")


def describe_machine(note: str) -> dict[str, Any]:
    """What decides about times, and the day."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "date": datetime.now().astimezone().date().isoformat(),
        "note": note,
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1] if found else platform.processor()


def page(results: Path) -> str:
    """The page, of all results of a folder.

    Raises:
        SystemExit: there are none, one is damaged, or nobody wrote down the machine.
    """
    machine = read_result(results / MACHINE)
    files = sorted(path for path in results.glob("*.json") if path.name != MACHINE)
    if not files:
        raise SystemExit(f"{results} has no results: run `make bench`")
    rows = [row for file in files for row in rows_of(file.stem, read_result(file))]
    head = ["| benchmark | what | ratio |", "|---|---|---|"]
    return HEAD + "\n".join([*_told(machine), "", *head, *rows]) + "\n"


def read_result(path: Path) -> dict[str, Any]:
    """The one JSON object of a file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"{path} is missing: run `make bench`") from None
    except ValueError as error:
        raise SystemExit(f"{path} is no JSON ({error}): run `make bench` again") from None
    if not isinstance(found, dict):
        raise SystemExit(f"{path} is no JSON object: run `make bench` again")
    return found


def rows_of(name: str, result: Mapping[str, Any]) -> list[str]:
    """A row for each ratio of a result, also of those inside others; one that says so if none."""
    found = [
        f"| `benchmarks/{name}.py` | {what} | {value:.3g} |"
        for what, value in _numbers(result, "")
        if HEADLINE.search(what.rpartition(" ")[2]) and "seconds" not in what
    ]
    return found or [f"| `benchmarks/{name}.py` | no ratio, see its result | – |"]


def _numbers(result: Mapping[str, Any], prefix: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in result.items():
        what = f"{prefix} {key}".strip()
        if isinstance(value, Mapping):
            found += _numbers(value, what)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((what, float(value)))
    return found


def _told(machine: Mapping[str, Any]) -> list[str]:
    measured = (
        f"Measured on {machine['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['gpu'] or 'no GPU'}, {machine['system']}, Python {machine['python']}, PyTorch "
        f"{machine['torch']}."
    )
    lines = [measured, f"Load of the machine when it began: {machine['load']}."]
    return [*lines, *([str(machine["note"])] if machine["note"] else [])]


if __name__ == "__main__":
    main()
