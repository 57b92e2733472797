"""The curve as tables and as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from matplotlib.figure import Figure

__all__ = ["Results", "as_markdown", "draw_curve"]

Results = Mapping[str, Mapping[int, Mapping[str, Any]]]
"""By point and seed: ``masks``, ``labels`` by teacher assistant and fusion, ``student``."""

_SCALE = {
    "mean_iou_64": "IoU, from 64",
    "mean_iou_400": "from 400",
    "mean_iou_1024": "from 1,024",
    "recall_50_64": "recall at 0.5",
    "recall_75_64": "at 0.75",
    "purity": "purity",
    "purity_400": "from 400",
    "covered": "covered",
}


def as_markdown(results: Results) -> str:
    """Two kinds of tables: how good the masks are, and how good the labels of each TA."""
    seeds = sorted({seed for by_seed in results.values() for seed in by_seed})
    parts = [f"Seeds {', '.join(map(str, seeds))}; ± is the standard deviation over them.\n"]
    rows = [
        [
            name,
            *(_percent([each["masks"][key] for each in own.values()]) for key in _SCALE),
            f"{mean(each['masks']['masks_per_window'] for each in own.values()):.1f}",
        ]
        for name, own in results.items()
    ]
    parts.append(_table(["masks", *_SCALE.values(), "masks a window"], rows))
    for teacher in _teachers(results):
        fusions = list(next(iter(next(iter(results.values())).values()))["labels"][teacher])
        rows = [
            [
                name,
                *(_percent([_label(each, teacher, f) for each in own.values()]) for f in fusions),
            ]
            for name, own in results.items()
        ]
        parts.append(_table([f"labels, TA {teacher}", *fusions], rows))
    students = {
        name: [each["student"] for each in own.values() if "student" in each]
        for name, own in results.items()
    }
    if any(students.values()):
        rows = [[name, _percent(scores)] for name, scores in students.items() if scores]
        parts.append(_table(["masks", "student"], rows))
    return "\n".join(parts)


def draw_curve(results: Results, split: str) -> bytes:
    """Labels of each fusion, and the student, over the mean IoU of the best mask; PNG.

    The last teacher assistant's. Settings of the oracle are joined by lines, other proposers are
    stars at the same height scale.
    """
    teacher = _teachers(results)[-1]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    fusions = list(next(iter(next(iter(results.values())).values()))["labels"][teacher])
    lines = {f: {name: _scores(own, teacher, f) for name, own in results.items()} for f in fusions}
    lines["student"] = {
        name: [100 * each["student"] for each in own.values() if "student" in each]
        for name, own in results.items()
    }
    for number, (fusion, by_name) in enumerate(lines.items()):
        places = {name: _place(results[name]) for name, scores in by_name.items() if scores}
        color, label = f"C{number % 10}", fusion
        for oracle, style in ((True, "o-"), (False, "*")):
            names = sorted(
                (n for n in places if n.startswith("oracle ") == oracle), key=places.__getitem__
            )
            if names:
                axes.errorbar(
                    [places[n] for n in names],
                    [mean(by_name[n]) for n in names],
                    [_spread(by_name[n]) for n in names],
                    fmt=style,
                    color=color,
                    markersize=4 if oracle else 11,
                    capsize=2,
                    label=label,
                )
                label = "_nolegend_"
    for name, own in results.items():
        if not name.startswith("oracle "):
            axes.axvline(_place(own), color="0.7", linewidth=1, zorder=0)
            axes.annotate(name, (_place(own), 0.01), xycoords=("data", "axes fraction"))
    axes.set(
        title=f"What masks are worth: labels of {split}, TA {teacher}",
        xlabel="mean IoU of the best mask, instances from 64 visible pixels on, %",
        ylabel="mIoU of the labels, %",
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _teachers(results: Results) -> list[str]:
    return list(next(iter(next(iter(results.values())).values()))["labels"])


def _label(result: Mapping[str, Any], teacher: str, fusion: str) -> float:
    return float(result["labels"][teacher][fusion])


def _scores(own: Mapping[int, Mapping[str, Any]], teacher: str, fusion: str) -> list[float]:
    return [100 * _label(each, teacher, fusion) for each in own.values()]


def _place(own: Mapping[int, Mapping[str, Any]]) -> float:
    return 100 * mean(float(each["masks"]["mean_iou_64"]) for each in own.values())


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _percent(values: Sequence[float]) -> str:
    """Mean, and spread where there are several; a dash where nothing is known."""
    if not values or any(math.isnan(each) for each in values):
        return "–"
    text = f"{100 * mean(values):.1f}"
    return f"{text} ± {100 * stdev(values):.1f}" if len(values) > 1 else text


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
