"""The table of mutants fits the code, and a change that no test notices is told."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import mutants

ROOT = Path(__file__).parents[2]


def test_every_mutant_stands_once_in_its_file_compiles_and_has_tests() -> None:
    table = mutants.read_table(ROOT / "scripts/mutants.toml")
    assert len(set(table)) == len(table)
    for mutant in table:
        source = (ROOT / "src/goodsam_pl" / mutant.path).read_text(encoding="utf-8")
        changed = mutant.changed(source)
        assert changed != source, str(mutant)
        assert changed.count("\n") == source.count("\n"), str(mutant)
        compile(changed, str(mutant), "exec")
        for test in mutant.tests:
            assert (ROOT / "tests" / test).is_file(), test


TOY = """
[[file]]
path = "sign.py"
tests = ["test_sign.py"]
changes = [
    { was = "return -1", becomes = "return 1" },
    { was = "x > 0", becomes = "x >= 0" },
    { was = "x < 0", becomes = "x <= -0", equivalent = "zero has gone" },
]
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A checkout of its own whose test forgets zero."""
    monkeypatch.setattr(mutants, "PRELOADED", ["pytest"])  # it needs no torch
    package, tests = tmp_path / "src/goodsam_pl", tmp_path / "tests"
    package.mkdir(parents=True)
    tests.mkdir()
    (tmp_path / "pyproject.toml").touch()
    (package / "__init__.py").touch()
    (package / "sign.py").write_text(
        "def sign(x):\n    if x > 0:\n        return 1\n    if x < 0:\n        return -1\n"
    )
    (tests / "test_sign.py").write_text(
        "from goodsam_pl.sign import sign\n\n\ndef test_sign():\n    assert sign(-2) == -1\n"
    )
    (tmp_path / "table.toml").write_text(TOY)
    return ["mutants", "--root", str(tmp_path), "--table", str(tmp_path / "table.toml")]


def _run(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[str | int | None, str]:
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        mutants.main()
    return ended.value.code, capsys.readouterr().out


def test_survivors_are_told_and_the_checkout_stays_as_it_is(toy, tmp_path, monkeypatch, capsys):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    code, out = _run(toy, monkeypatch, capsys)
    *lines, last = out.splitlines()
    assert code == 1
    assert [line.split()[1] for line in lines] == ["noticed", "SURVIVED", "equivalent"]
    summary = json.loads(last)
    assert summary.pop("seconds") >= 0
    assert summary == {
        "mutants": 2,
        "survived": 1,
        "survivors": ["sign.py: x > 0 -> x >= 0"],
        "equivalent": 1,
        "not_equivalent": [],
    }
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == before

    code, _ = _run([*toy, "--only", "return"], monkeypatch, capsys)
    assert code == 0


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("x > 0", "x > 1", "sign.py: x > 1 -> x >= 0: stands there 0 times, not once: mend"),
        ("return -1", "return", "sign.py: return -> return 1: stands there 2 times, not once"),
    ],
)
def test_a_table_that_no_longer_fits_is_told(
    toy, tmp_path, monkeypatch, capsys, was, becomes, complaint
):
    (tmp_path / "table.toml").write_text(TOY.replace(f'was = "{was}"', f'was = "{becomes}"'))
    code, _ = _run(toy, monkeypatch, capsys)
    assert re.match(f"error: {re.escape(complaint)}", str(code))


def test_tests_that_fail_without_any_change_are_told(toy, tmp_path, monkeypatch, capsys):
    (tmp_path / "tests/test_sign.py").write_text("def test_sign():\n    assert False\n")
    code, _ = _run(toy, monkeypatch, capsys)
    assert str(code).startswith("error: tests fail without any change")
