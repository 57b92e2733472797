"""Text files are read and written in an encoding that we name, not in that of the locale."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path for name in ("src", "scripts", "benchmarks") for path in (ROOT / name).rglob("*.py")
]


def left_to_the_locale(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(each.arg == "encoding" for each in node.keywords):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        mode = "".join(
            each.value for each in node.args if isinstance(getattr(each, "value", 0), str)
        )
        takes_path = isinstance(node.func, ast.Name) or not node.args or set(mode) <= set("rwaxbt+")
        others = isinstance(node.func, ast.Attribute) and (
            isinstance(node.func.value, ast.Name)
            and (node.func.value.id[0].isupper() or node.func.value.id == "av")  # films
        )
        positional = name == "read_text" and len(node.args) > 0
        if name in {"read_text", "write_text"} and not positional:
            yield node.lineno
        if (
            name == "open"
            and not others
            and takes_path
            and "b" not in mode
            and (mode or not node.args)
        ):
            yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_text_file_is_left_to_the_locale(path):
    found = list(left_to_the_locale(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found, f"{path}: lines {found}: give encoding="


def test_what_is_looked_for():
    code = "a.read_text()\na.write_text(b)\na.open()\na.open('w')\nopen(a)\nopen(a, 'w')\n"
    fine = "a.read_text(encoding=b)\na.open('rb')\nImage.open(a)\nav.open(a, 'w')\n"
    assert list(left_to_the_locale(ast.parse(code))) == [1, 2, 3, 4, 6]
    assert not list(left_to_the_locale(ast.parse(fine)))
