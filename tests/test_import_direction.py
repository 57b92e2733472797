"""One direction of imports: a room knows those below it, and no two files know each other."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import goodsam_pl

PACKAGE = Path(goodsam_pl.__file__).parent
ROWS = (
    *("files", "taxonomy", "geometry", "masks", "networks"),
    "losses metrics fusion streetworld sam video",
    *("data", "modules", "segmenter", "views deploy", "callbacks", "experiments", "cli", "inspect"),
    "__main__ _lightning",
)
"""From the bottom up; rooms of one row do not know each other."""

FLOOR = {room: floor for floor, row in enumerate(ROWS) for room in row.split()}
FILES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def _imported(path: Path) -> set[str]:
    """Files of ours that a file imports, inside of its functions too; not the package itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{name.name}" for name in node.names}
            found |= (names & FILES.keys()) or {node.module}
    return (found & FILES.keys()) - {"goodsam_pl"}


def _room(file: str) -> str:
    return file.split(".")[1]


IMPORTS = {file: _imported(path) for file, path in FILES.items() if file != "goodsam_pl"}


def test_rooms_import_from_those_below() -> None:
    assert {_room(file) for file in IMPORTS} == FLOOR.keys()
    upwards = [
        f"{file} imports {other}"
        for file, others in IMPORTS.items()
        for other in others
        if _room(file) != _room(other) and FLOOR[_room(other)] >= FLOOR[_room(file)]
    ]
    assert upwards == []


def test_files_do_not_import_each_other_in_a_circle() -> None:
    assert len([*TopologicalSorter(IMPORTS).static_order()]) == len(IMPORTS)


def test_no_two_files_of_different_rooms_have_one_name() -> None:
    names = {(_room(file), path.name) for file, path in FILES.items() if file in IMPORTS}
    counts = Counter(name for _, name in names if name not in {"__init__.py", "base.py"})
    assert [name for name, count in counts.items() if count > 1] == []
