"""Draw the plan of the house from the code: its rooms, bottom floor first, and who imports whom.

    python scripts/draw_house.py --out docs/architecture.svg

A room is a package below `goodsam_pl`. It stands above every room that it imports from, so that an
import that runs upwards cannot be drawn: the script then ends with the rooms that go round.
Prints the same as a Markdown table.
"""

from __future__ import annotations

import argparse
import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PACKAGE = Path(__file__).parents[1] / "src" / "goodsam_pl"
INK, PAPER, MARK = "#20303c", "#eef2f4", "#d1495b"


def rooms_with_imports() -> dict[str, set[str]]:
    """Every room with the rooms that it imports from, bottom floor first.

    Raises:
        graphlib.CycleError: rooms import one another.
    """
    rooms = {each.parent.name for each in PACKAGE.glob("*/__init__.py")}
    imports = {
        room: {
            imported
            for file in (PACKAGE / room).rglob("*.py")
            for imported in _imported_rooms(file)
            if imported in rooms - {room}
        }
        for room in rooms
    }
    tuple(TopologicalSorter(imports).static_order())
    return dict(sorted(imports.items(), key=lambda item: (_floor(item[0], imports), item[0])))


def what_it_holds(room: str) -> str:
    """The first sentence of a room's docstring."""
    text = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]


def table(imports: dict[str, set[str]]) -> str:
    """Markdown: a row for each room, top floor first, as the picture has them."""
    order = list(imports)
    rows = [
        f"| `{room}/` | {what_it_holds(room)} | "
        f"{', '.join(sorted(imports[room], key=order.index)) or '–'} |"
        for room in reversed(order)
    ]
    return "\n".join(["| room | holds | imports from |", "|---|---|---|", *rows])


def draw(imports: dict[str, set[str]], path: Path) -> None:
    """A bar for each room, and a dot in the column of each room below that it imports from."""
    rcParams["svg.fonttype"], rcParams["svg.hashsalt"] = "none", "goodsam_pl"
    order = list(imports)
    figure = Figure(figsize=(11, 0.42 * len(order) + 1.1), layout="constrained")
    axes = figure.add_subplot()
    for floor, room in enumerate(order):
        axes.barh(floor, len(order), left=-0.5, height=0.82, color=PAPER, zorder=0)
        axes.scatter([floor], [floor], marker="s", s=70, color=INK, zorder=2)
        below = [order.index(each) for each in imports[room]]
        axes.scatter(below, [floor] * len(below), s=42, color=MARK, zorder=2)
        axes.text(-0.8, floor, room, ha="right", va="center", weight="bold", color=INK)
        holds = what_it_holds(room).replace("`", "")
        axes.text(len(order) - 0.2, floor, holds, va="center", size=8.5, color=INK)
    _label(axes, order)
    figure.savefig(path, metadata={"Date": None})


def _label(axes: Axes, order: list[str]) -> None:
    axes.set_xticks(range(len(order)), order, rotation=60, ha="right", color=INK)
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlim(-3.2, len(order) + 15)
    axes.set_title("A dot: the room of this row imports from the room of this column", color=INK)


def _imported_rooms(file: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
    parts = [module.split(".") for module in modules]
    return {names[1] for names in parts if names[0] == "goodsam_pl" and len(names) > 1}


def _floor(room: str, imports: dict[str, set[str]]) -> int:
    return 1 + max((_floor(below, imports) for below in imports[room]), default=0)


def main() -> None:
    """Draw, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the picture, SVG")
    arguments = parser.parse_args()
    try:
        imports = rooms_with_imports()
    except CycleError as error:
        raise SystemExit(f"rooms import one another: {' <- '.join(error.args[1])}") from error
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    draw(imports, arguments.out)
    print(table(imports))


if __name__ == "__main__":
    main()
