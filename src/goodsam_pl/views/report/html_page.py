"""One HTML file of a report: everything is in it, and its policy forbids to load anything else."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

import goodsam_pl
from goodsam_pl.views.report.curve_charts import curve_chart
from goodsam_pl.views.report.experiment_results import ExperimentResults
from goodsam_pl.views.report.run_results import RunResults
from goodsam_pl.views.report.score_tables import (
    class_bars,
    experiment_table,
    run_key,
    score_table,
)
from goodsam_pl.views.report.shown_panoramas import ShownPanorama
from goodsam_pl.views.report.shown_stage import ClassColor

__all__ = ["Report", "html_page"]

_SCRIPTS = ("theme", "panorama_view", "stages", "navigation", "controls", "start")
_FIRST = ("val/miou", "val/pixel_accuracy", "train/loss")
"""What is looked at first; the rest can be unfolded."""


@dataclass(frozen=True)
class Report:
    """What a page shows.

    Attributes:
        title: of the page.
        runs: with scores or curves.
        experiments: with their tables.
        panoramas: with their stages.
    """

    title: str
    runs: Sequence[RunResults]
    experiments: Sequence[ExperimentResults]
    panoramas: Sequence[ShownPanorama]


def html_page(report: Report) -> str:
    """The page as text."""
    body = [
        _file("panoramas.html") if report.panoramas else "",
        score_table(report.runs),
        class_bars(report.runs),
        _curves(report.runs),
        *map(experiment_table, report.experiments),
    ]
    return Template(_file("report.html")).substitute(
        title=escape(report.title),
        about=escape(_about(report)),
        style=_file("report.css"),
        body="\n".join(part for part in body if part),
        elements=_elements(report.panoramas) if report.panoramas else "",
        script="\n".join(_file(f"{name}.js") for name in _SCRIPTS),
    )


def _about(report: Report) -> str:
    counts = {
        "run": len(report.runs),
        "experiment": len(report.experiments),
        "panorama": len(report.panoramas),
    }
    told = [f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count]
    return f"{', '.join(told)} · goodsam_pl {goodsam_pl.__version__}"


def _curves(runs: Sequence[RunResults]) -> str:
    names = dict.fromkeys(name for run in runs for name in run.curves)
    first = [name for name in names if name.startswith(_FIRST)]
    rest = [name for name in sorted(names) if name not in first]
    if not names:
        return ""
    order = sorted(first, key=lambda name: [not name.startswith(start) for start in _FIRST])
    charts = {
        name: curve_chart(
            name,
            {
                number: (run.name, run.curves[name])
                for number, run in enumerate(runs)
                if name in run.curves
            },
        )
        for name in (*order, *rest)
    }
    shown = [
        "<h2>Curves</h2>\n<p>Over optimiser steps.</p>",
        run_key({number: run.name for number, run in enumerate(runs) if run.curves}),
        f'<div class="curves">{"".join(charts[name] for name in order)}</div>',
    ]
    if rest:
        shown.append(
            f"<details><summary>All else that was logged ({len(rest)})</summary>"
            f'<div class="curves">{"".join(charts[name] for name in rest)}</div></details>'
        )
    return "\n".join(shown) + "\n"


def _elements(panoramas: Sequence[ShownPanorama]) -> str:
    """Shaders, pictures, and what the viewer has to know of them, as scripts that do not run."""
    sets: dict[tuple[ClassColor, ...], int] = {}
    listed: list[dict[str, object]] = []
    pictures: list[str] = []
    for panorama in panoramas:
        stages = []
        for stage in panorama.stages:
            element = f"stage-{len(pictures)}"
            content = base64.b64encode(stage.content).decode("ascii")
            pictures.append(_script(element, stage.media_type, content))
            stages.append(
                {
                    "title": stage.title,
                    "kind": stage.kind,
                    "element": element,
                    "top": stage.span.top,
                    "bottom": stage.span.bottom,
                    "classes": sets.setdefault(stage.classes, len(sets)),
                }
            )
        listed.append(
            {
                "name": panorama.name,
                "photograph": panorama.photograph,
                "truth": panorama.truth,
                "stages": stages,
            }
        )
    named = [[{"name": each.name, "color": each.color} for each in classes] for classes in sets]
    content = _json({"panoramas": listed, "classSets": named})
    return "\n".join(
        [
            _script("sphere-vert", "x-shader/x-vertex", _file("sphere.vert")),
            _script("sphere-frag", "x-shader/x-fragment", _file("sphere.frag")),
            _script("panorama-data", "application/json", content),
            *pictures,
        ]
    )


def _json(content: Mapping[str, object]) -> str:
    """JSON in which no name can end the element around it."""
    return json.dumps(content, ensure_ascii=True).replace("<", "\\u003c")


def _script(element: str, kind: str, content: str) -> str:
    return f'<script id="{element}" type="{kind}">{content}</script>'


def _file(name: str) -> str:
    return (files(goodsam_pl) / "views" / "report" / "page" / name).read_text(encoding="utf-8")
