"""Draw the panels of a dashboard from what a run has logged, without W&B.

python scripts/dashboard_picture.py runs/streetworld/rectification --out docs/dashboard.png

The panels are those that `scripts/dashboard_workspace.py` lays out, section by section.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from dashboard.layout import Panel, laid_out
from dashboard.logged import Logged, read_logged
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.views.pictures import contact_sheet

ACROSS, WIDTH, HEIGHT = 4, 3.4, 2.6
IN_LEGEND = 7


def main() -> None:
    """Read, lay out, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, help="a folder with runs that logged to W&B")
    parser.add_argument("--out", type=Path, required=True, help="the picture, a PNG")
    arguments = parser.parse_args()
    try:
        logged = read_logged(arguments.runs)
    except FileNotFoundError as error:
        parser.error(str(error))
    write_atomically(arguments.out, picture(logged))


def picture(logged: Logged) -> bytes:
    """All panels below each other, four side by side; a PNG of 256 colours."""
    sections = laid_out(logged)
    rows = [
        (section if start == 0 else "", panels[start : start + ACROSS])
        for section, panels in sections.items()
        for start in range(0, len(panels), ACROSS)
    ]
    figure = Figure(figsize=(ACROSS * WIDTH, len(rows) * HEIGHT), layout="constrained")
    for part, (section, panels) in zip(
        figure.subfigures(len(rows), 1, squeeze=False)[:, 0], rows, strict=True
    ):
        if section:
            part.suptitle(section, x=0.01, ha="left", fontsize=11, fontweight="bold")
        every = part.subplots(1, ACROSS)
        for axes, panel in zip(every, panels, strict=False):
            axes.set_title(panel.title, fontsize=8)
            _draw(axes, panel, logged)
        for axes in every[len(panels) :]:
            axes.axis("off")
    stream, small = io.BytesIO(), io.BytesIO()
    figure.savefig(stream, format="png", dpi=80)
    Image.open(stream).convert("RGB").quantize(256).save(small, format="PNG", optimize=True)
    return small.getvalue()


def _draw(axes: Axes, panel: Panel, logged: Logged) -> None:
    if panel.kind == "lines":
        for key in panel.keys:
            steps, values = zip(*logged.curves[key], strict=True)
            label = key.rpartition("/")[2]
            axes.plot(steps, values, marker="." if len(steps) < 8 else "", label=label)
        if 1 < len(panel.keys) <= IN_LEGEND:
            axes.legend(fontsize=6)
        axes.tick_params(labelsize=6)
        axes.grid(alpha=0.3)
        return
    axes.axis("off")
    [key] = panel.keys
    if panel.kind == "pictures":
        read = [
            (text, np.asarray(Image.open(path).convert("RGB")))
            for text, path in logged.pictures[key]
        ]
        axes.imshow(contact_sheet([read]) if panel.title.startswith("stages/") else read[0][1])
        return
    path = logged.tables.get(key) or logged.matrices[key]
    content = json.loads(path.read_text(encoding="utf-8"))
    if panel.kind == "matrix":
        rows = content["data"]
        labels = len({actual for actual, _, _ in rows})
        counts = np.array([count for _, _, count in rows], float).reshape(labels, -1)
        axes.imshow(np.log1p(counts), cmap="Blues")
        return
    table = axes.table(
        [list(map(_cell, row)) for row in content["data"]],
        colLabels=content["columns"],
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(4)
    table.scale(1.1, 0.42)


def _cell(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    main()
