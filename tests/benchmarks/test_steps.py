"""Steps of a system by its preset and the real command, with small images."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm_start

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "steps.py"


@pytest.mark.slow
def test_a_system_is_timed_and_its_operations_are_written_down(tmp_path: Path) -> None:
    words = [sys.executable, SCRIPT, "--tiny", "--systems", "source", "--steps", "2"]
    words += ["--accelerator", "cpu", "--profile", tmp_path / "profiles"]
    done = warm_start.run(words, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["precision"], figures["processes"]) == ("32-true", 1)
    source = figures["source"]
    assert (source["device"], source["steps"]) == ("cpu", 2)
    assert 0 < source["step_ms"] < 60_000
    assert source["cpu_ms"] > 0
    assert source["loader_ms"] > 0
    assert source["peak_gib"] > 0.1
    assert "aten::" in (tmp_path / "profiles/source.txt").read_text()
