"""Every demand on the page of expectations names a test or a page that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "expectations.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]


def test_all_demands_are_there() -> None:
    assert [int(row[0]) for row in ROWS] == [*range(1, 24)]
    assert all(len(row) == 4 and all(row) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"demand-{row[0]}")
def test_what_a_demand_names_is_there(row: list[str]) -> None:
    tests = re.findall(r"`(tests/[^`]+)`", row[3])
    pages = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", row[3])
    assert tests or pages
    for test in tests:
        told = (ROOT / test).read_text(encoding="utf-8")
        assert re.search(r"^\s*(async )?def test_", told, re.MULTILINE), f"{test} tests nothing"
    for page in pages:
        assert (PAGE.parent / page).is_file(), page
