"""The plan of the house is made from the code, and the page shows the present one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from draw_house import draw, rooms_with_imports, table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"


def test_a_room_stands_above_all_that_it_imports_from() -> None:
    imports = rooms_with_imports()
    order = list(imports)
    assert all(order.index(below) < order.index(room) for room in order for below in imports[room])
    assert "data" in imports["modules"]
    assert "sam" not in imports["data"]


def test_the_page_has_the_present_table_and_names_files_that_are_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert table(rooms_with_imports()) in text
    named = set(re.findall(r"`(\w+/[\w/]+\.py)`", text))
    assert len(named) > 20
    places = (ROOT / "src" / "goodsam_pl", ROOT)
    assert not [each for each in named if not any((place / each).is_file() for place in places)]


def test_the_picture_names_every_room(tmp_path: Path) -> None:
    imports = rooms_with_imports()
    draw(imports, tmp_path / "house.svg")
    drawn, shown = ((folder / name).read_text(encoding="utf-8") for folder, name in (
        (tmp_path, "house.svg"), (PAGE.parent, "architecture.svg")))  # fmt: skip
    assert all(f">{room}<" in picture for room in imports for picture in (drawn, shown))
