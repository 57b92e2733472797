"""The table of an ablation as pictures; matplotlib is an optional extra."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from goodsam_pl.ablation.plan import Curve, Plan, Preset, Variation
from goodsam_pl.ablation.scores import RunScores, mean_score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_matplotlib", "draw_bars", "draw_curve"]

_CURVES = {"student": ("student", "C0"), "source_only": ("source-only", "C1")}


def check_matplotlib() -> None:
    """Refuse to start what could not be drawn in the end.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError("goodsam ablate draws with matplotlib: pip install 'matplotlib>=3.8'")


def draw_bars(plan: Plan, scores: Sequence[RunScores]) -> bytes:
    """The student of each variation: a bar for mean and spread, a dot for each seed; PNG."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # an optional extra

    rows = [
        (preset, each, _of(scores, preset, each, "student"))
        for preset in plan.presets
        for each in preset.variations
    ]
    figure = Figure(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    labels = []
    for height, (preset, variation, values) in enumerate(rows):
        labels.append(
            f"{preset.name}: {variation.name}" if len(plan.presets) > 1 else variation.name
        )
        color = f"C{plan.presets.index(preset)}"
        if score := mean_score(values):
            spread = score.deviation if score.seeds > 1 else None
            axes.barh(height, score.mean, xerr=spread, color=color, alpha=0.4, capsize=3)
            axes.plot(values, [height] * len(values), "o", color=color, markersize=4)
    everything = [value for _, _, values in rows for value in values]
    if everything:  # differences are small beside the scores themselves
        axes.set_xlim(left=max(0.0, min(everything) - 3))
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(
        f"student mIoU on {plan.split}, % (bar: mean ± standard deviation, dots: seeds)"
    )
    axes.set_title(plan.title)
    axes.grid(axis="x", alpha=0.3)
    return _png(figure)


def draw_curve(plan: Plan, curve: Curve, scores: Sequence[RunScores]) -> bytes:
    """Student and source-only over the variations' places on the axis; PNG."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # an optional extra

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for preset in plan.presets:
        places = sorted(preset.variations, key=lambda each: each.at or 0.0)
        for name, (label, color) in _CURVES.items():
            found = [
                (each.at or 0.0, score)
                for each in places
                if (score := mean_score(_of(scores, preset, each, name)))
            ]
            axes.errorbar(
                [at for at, _ in found],
                [score.mean for _, score in found],
                yerr=[score.deviation if score.seeds > 1 else 0.0 for _, score in found],
                color=color,
                linestyle=("-", "--", ":", "-.")[plan.presets.index(preset) % 4],
                marker="o",
                capsize=3,
                label=f"{preset.name}: {label}" if len(plan.presets) > 1 else label,
            )
    axes.set_xlabel(curve.label)
    axes.set_ylabel(f"mIoU on {plan.split}, %")
    axes.set_title(plan.title)
    axes.grid(alpha=0.3)
    axes.legend()
    return _png(figure)


def _of(
    scores: Sequence[RunScores], preset: Preset, variation: Variation, name: str
) -> list[float]:
    return [
        each.values[name]
        for each in scores
        if each.run.preset == preset.name
        and each.run.variation == variation.name
        and name in each.values
    ]


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return stream.getvalue()
