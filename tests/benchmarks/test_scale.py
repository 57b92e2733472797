"""The rehearsal of very many panoramas, with few: nothing is lost, with locks nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale.py"


@pytest.mark.parametrize("kind", ["masks", "teacher"])
@pytest.mark.parametrize("locks", ["true", "false"])
def test_three_processes_of_which_one_is_killed_lose_nothing(
    tmp_path: Path, locks: str, kind: str
) -> None:
    options = ["--panoramas", "300", "--processes", "3", "--work", "0.01", "--slow", "3"]
    command = [sys.executable, str(SCRIPT), *options, "--locks", locks, "--folder", str(tmp_path)]
    command += ["--kind", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["kind"], found["panoramas"], found["processes"]) == (kind, 300, 3)
    assert found["killed"] == 1
    assert (found["lost"], found["failed"], found["without_record"]) == (0, 0, 0)
    assert (found["records"], found["damaged"], found["strays"]) == (300, 0, 0)
    assert (found["unfinished"], found["computed_by_second_run"]) == (0, 0)
    assert found["twice"] == 0 if locks == "true" else found["twice"] < 100
    assert not list(tmp_path.iterdir())
