"""Every source file has its mirrored test, or a test that names what it holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "goodsam_pl"


def test_every_source_file_has_a_test_that_names_it() -> None:
    tests = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    mirrored = {path.stem for path in tests}
    words = set(re.findall(r"\w+", " ".join(tests.values())))
    untested = [
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if path.stem not in {"__init__", "__main__"}
        and f"test_{path.stem}" not in mirrored
        and not _public_names(path) & words
    ]
    assert untested == []


def _public_names(path: Path) -> set[str]:
    """What stands in ``__all__``; a test may reach it by another module that hands it on."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        is_all = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        if is_all:
            return set(ast.literal_eval(node.value))
    return {path.stem}
