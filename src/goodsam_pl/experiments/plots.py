"""The table as pictures; matplotlib is an optional extra."""

from __future__ import annotations

import io
import math

from goodsam_pl.experiments.plan import Plan
from goodsam_pl.experiments.results import Scores, by_seed, mean_and_spread

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise ValueError(
        "goodsam ablate draws with matplotlib: pip install 'matplotlib>=3.8'"
    ) from error

__all__ = ["draw_bars", "draw_curve"]

_CURVES = {"student": ("student", "C0"), "source_only": ("source-only", "C1")}


def draw_bars(plan: Plan, scores: Scores) -> bytes:
    """The student of each variation: a bar for mean and spread, a dot for each seed; PNG."""
    rows = [(preset, name) for preset, each in plan.presets.items() for name in each.rows]
    figure = Figure(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes, lowest = figure.subplots(), math.inf
    for height, (preset, name) in enumerate(rows):
        values = [*by_seed(scores, preset, name, "student").values()]
        mean, spread = mean_and_spread(values)
        color = f"C{[*plan.presets].index(preset)}"
        axes.barh(height, mean, xerr=spread, color=color, alpha=0.4, capsize=3)
        axes.plot(values, [height] * len(values), "o", color=color, markersize=4)
        lowest = min([lowest, *values])
    if lowest < math.inf:  # differences are small beside the scores themselves
        axes.set_xlim(left=max(0.0, lowest - 3))
    axes.set_yticks(range(len(rows)), [_label(plan, *row) for row in rows])
    axes.invert_yaxis()
    axes.set(
        title=plan.title,
        xlabel=f"student mIoU on {plan.split}, % (bar: mean ± standard deviation, dots: seeds)",
    )
    axes.grid(axis="x", alpha=0.3)
    return _png(figure)


def draw_curve(plan: Plan, axis: str, scores: Scores) -> bytes:
    """Student and source-only over the variations' places on an axis with a label; PNG."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for number, (preset, each) in enumerate(plan.presets.items()):
        for score, (name, color) in _CURVES.items():
            points = sorted(
                (row.at or 0.0, *mean_and_spread(by_seed(scores, preset, key, score).values()))
                for key, row in each.rows.items()
            )
            style, label = ("o-", "o--", "o:", "o-.")[number % 4], _label(plan, preset, name)
            places, means, spreads = zip(*points, strict=True)
            axes.errorbar(places, means, spreads, fmt=style, color=color, capsize=3, label=label)
    axes.set(title=plan.title, xlabel=axis, ylabel=f"mIoU on {plan.split}, %")
    axes.grid(alpha=0.3)
    axes.legend()
    return _png(figure)


def _label(plan: Plan, preset: str, name: str) -> str:
    return f"{preset}: {name}" if len(plan.presets) > 1 else name


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return stream.getvalue()
