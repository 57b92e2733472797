"""The page of benchmarks shows ratios of all results, and the machine that they are of."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from bench_table import describe_machine, main, page

MACHINE = {
    "processor": "A Processor",
    "cores": 2,
    "load": 0.1,
    "system": "Linux x86_64",
    "python": "3.11.1",
    "torch": "2.9.0",
    "gpu": None,
    "date": "2026-01-02",
    "note": "",
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "machine.json").write_text(json.dumps(MACHINE))
    fusion = {"seconds": 2.5, "speedup": 18.25, "identical": True, "modes": {"b0": {"ratio": 0.5}}}
    (folder / "fusion.json").write_text(json.dumps(fusion))
    (folder / "start.json").write_text(json.dumps({"seconds": 13.0}))
    return folder


def test_a_ratio_is_a_row_and_a_time_is_none(results: Path) -> None:
    text = page(results)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table == [
        "| benchmark | what | ratio |",
        "|---|---|---|",
        "| `benchmarks/fusion.py` | speedup | 18.2 |",
        "| `benchmarks/fusion.py` | modes b0 ratio | 0.5 |",
        "| `benchmarks/start.py` | no ratio, see its result | – |",
    ]
    assert "2026-01-02: A Processor, 2 cores, no GPU, Linux x86_64, Python 3.11.1" in text


def test_who_ran_beside_is_told(results: Path) -> None:
    (results / "machine.json").write_text(json.dumps({**MACHINE, "note": "A training ran beside."}))
    assert "\nA training ran beside.\n" in page(results)


def test_the_machine_is_written_down_and_the_page_with_it(results: Path, monkeypatch) -> None:
    out = results / "page.md"
    options = ["bench_table.py", "--results", str(results), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [*options, "--describe", "--note", "Quiet."])
    main()
    assert not out.exists()
    assert json.loads((results / "machine.json").read_text()).keys() == MACHINE.keys()
    monkeypatch.setattr(sys, "argv", options)
    main()
    assert "Quiet." in out.read_text()
    assert describe_machine("")["cores"] >= 1


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_a_damaged_result_is_named(results: Path, content: str) -> None:
    (results / "fusion.json").write_text(content)
    with pytest.raises(SystemExit, match=r"fusion\.json is no JSON.*make bench"):
        page(results)


def test_without_results_the_way_to_them_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"machine\.json is missing: run `make bench`"):
        page(tmp_path)
