"""Would a test notice? Change important lines one at a time, and run the tests that should fail.

    python scripts/mutants.py
    python scripts/mutants.py --only losses/ --jobs 4

`mutants.toml` beside this file lists the changes. Each is made in a copy of the package in a
temporary folder; the checkout stays as it is. A change that no test notices has survived: the tests
say less than they should, or the change means nothing and the table has to say why.

mutmut and cosmic-ray choose the changes themselves, hundreds in each of these files, of which most
mean nothing and each costs seconds to import torch; hours, where this takes minutes.

Prints a line for each change and, as the last line, one JSON object; ends with status 1 if more
than 5 % survive.
"""

from __future__ import annotations

import argparse
import compileall
import json
import multiprocessing
import os
import shutil
import sys
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE, TESTS = "src/goodsam_pl", "tests"
MOST_SURVIVORS = 0.05
ENDLESS = 300
"""Seconds after which a test counts as failed: some changes make loops endless."""

FAILED, NOT_COLLECTED = 1, 2
"""What pytest ends with if a test, or the code that it imports, fails."""

PROCESSES = multiprocessing.get_context("forkserver")
PRELOADED = ["pytest", "hypothesis", "torch", "lightning.pytorch", "segmentation_models_pytorch"]
"""What takes seconds to import and never changes: each process begins with it."""


@dataclass(frozen=True)
class Mutant:
    """One change of one line.

    Attributes:
        path: of the file, in the package.
        was: what stands there, once in the file.
        becomes: what takes its place.
        tests: test files, one of which has to fail.
        equivalent: why none can fail, or nothing.
    """

    path: str
    was: str
    becomes: str
    tests: tuple[str, ...]
    equivalent: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.was.strip()} -> {self.becomes.strip() or 'nothing'}"

    def changed(self, source: str) -> str:
        """The file's text with the change.

        Raises:
            ValueError: what is to be changed is not there, or more than once.
        """
        if (found := source.count(self.was)) != 1:
            raise ValueError(f"{self}: stands there {found} times, not once: mend mutants.toml")
        return source.replace(self.was, self.becomes)


def main() -> None:
    """Try all changes and tell which survive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="changes whose path or text has this in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_suffix(".toml"))
    arguments = parser.parse_args()
    mutants = [each for each in read_table(arguments.table) if arguments.only in str(each)]
    begin = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of each job
    PROCESSES.set_forkserver_preload(PRELOADED)
    try:
        noticed = try_all(mutants, arguments.root, arguments.jobs)
    except ValueError as error:
        sys.exit(f"error: {error}")
    told = [each for each in mutants if each.equivalent and noticed[each]]
    survivors = [each for each in mutants if not each.equivalent and not noticed[each]]
    counted = sum(not each.equivalent for each in mutants)
    summary = {
        "mutants": counted,
        "survived": len(survivors),
        "survivors": [*map(str, survivors)],
        "equivalent": len(mutants) - counted,
        "not_equivalent": [*map(str, told)],
        "seconds": round(time.monotonic() - begin),
    }
    print(json.dumps(summary, ensure_ascii=False))
    sys.exit(int(bool(told) or len(survivors) > MOST_SURVIVORS * counted))


def read_table(path: Path) -> list[Mutant]:
    """All changes that a table lists."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Mutant(path=file["path"], tests=tuple(file["tests"]), **change)
        for file in table["file"]
        for change in file["changes"]
    ]


def try_all(mutants: list[Mutant], root: Path, jobs: int) -> dict[Mutant, bool]:
    """Which changes the tests notice.

    Raises:
        ValueError: a change does not fit its file, or tests fail without any.
    """
    for mutant in mutants:
        mutant.changed((root / PACKAGE / mutant.path).read_text(encoding="utf-8"))
    noticed = {}
    with TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        kept = Path(folder) / "kept"
        copy(root, kept)
        if failure := failing(kept, sorted({test for each in mutants for test in each.tests})):
            raise ValueError(f"tests fail without any change:\n{failure}")
        outcomes = pool.map(partial(is_noticed, kept), mutants)
        for number, (mutant, outcome) in enumerate(zip(mutants, outcomes, strict=True), start=1):
            noticed[mutant] = outcome
            word = "noticed" if outcome else "equivalent" if mutant.equivalent else "SURVIVED"
            print(f"{number:3}/{len(mutants)} {word:10} {mutant}", flush=True)
    return noticed


def copy(root: Path, to: Path) -> None:
    """The package, compiled, and its tests."""
    for part in (PACKAGE, TESTS):
        shutil.copytree(root / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", to)
    # valid for the text that it was made of, whenever that was written
    by_text = PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(to / PACKAGE, quiet=2, invalidation_mode=by_text)


def is_noticed(kept: Path, mutant: Mutant) -> bool:
    """Whether a test fails in a copy with one change."""
    with TemporaryDirectory() as folder:
        tree = shutil.copytree(kept, Path(folder) / "changed")
        file = tree / PACKAGE / mutant.path
        file.write_text(mutant.changed(file.read_text(encoding="utf-8")), encoding="utf-8")
        return bool(failing(tree, mutant.tests))


def failing(tree: Path, tests: Sequence[str]) -> str:
    """What pytest says if a test fails in a tree, or nothing.

    Raises:
        ValueError: there are no such tests.
    """
    process = PROCESSES.Process(target=run_pytest, args=(tree, tests))
    process.start()
    process.join(ENDLESS)
    if process.is_alive():
        process.kill()
        return f"no end after {ENDLESS} s"
    if process.exitcode == 0:
        return ""
    said = (tree / "said.txt").read_text(encoding="utf-8")[-2000:]
    if process.exitcode not in (FAILED, NOT_COLLECTED):
        raise ValueError(f"pytest has no answer for {', '.join(tests)}:\n{said}")
    return said


def run_pytest(tree: Path, tests: Sequence[str]) -> None:
    """Run test files in a tree, with the package that lies there; ends this process."""
    os.chdir(tree)
    with Path("said.txt").open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
    sys.path[:0] = [str(tree), str(tree / "src")]  # as `python -m pytest` has them
    sys.dont_write_bytecode = True
    # to find and load all plugins takes seconds
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(tree / "src")}
    plugins = ["-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
    options = ["-x", "-q", *plugins, "--hypothesis-seed=0"]
    sys.exit(pytest.main([*options, *(f"{TESTS}/{test}" for test in tests)]))


if __name__ == "__main__":
    main()
