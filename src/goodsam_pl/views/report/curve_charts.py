"""Curves as SVG: one small chart for each thing that was logged, a line for each run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from goodsam_pl.views.report.logged_curves import Curve

__all__ = ["curve_chart", "thinned", "ticks"]

_WIDTH, _HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 8, 24
_MOST_POINTS = 200  # more than pixels between the axes show


def curve_chart(title: str, curves: Mapping[int, tuple[str, Curve]]) -> str:
    """A figure with axes, one line a run.

    Args:
        title: what was logged.
        curves: by the number of its colour, the name of a run and its curve.
    """
    points = [point for _, curve in curves.values() for point in curve]
    across = _range([step for step, _ in points])
    up = _range([value for _, value in points])
    lines = "".join(_line(number, *each, across, up) for number, each in curves.items())
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_axes(across, up)}{lines}</svg></figure>"
    )


def thinned(curve: Curve, most: int = _MOST_POINTS) -> Curve:
    """A curve of no more points than are seen: every so many, and always the last."""
    if len(curve) <= most:
        return curve
    places = [round(place * (len(curve) - 1) / (most - 1)) for place in range(most)]
    return tuple(curve[place] for place in places)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from low to high, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [step * each for each in range(first, last + 1)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.5 * max(abs(low), 1e-3) if low == high else 0.0
    return low - margin, high + margin


def _x(step: float, across: tuple[float, float]) -> float:
    share = (step - across[0]) / (across[1] - across[0])
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, up: tuple[float, float]) -> float:
    share = (value - up[0]) / (up[1] - up[0])
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _axes(across: tuple[float, float], up: tuple[float, float]) -> str:
    parts = []
    for value in ticks(*up):
        y = _y(value, up)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for value in ticks(*across, about=3):
        x = _x(value, across)
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{_short(value)}</text>'
        )
    return "".join(parts)


def _short(step: float) -> str:
    return f"{step / 1000:g}k" if step >= 10_000 else f"{step:g}"


def _line(
    number: int, name: str, curve: Curve, across: tuple[float, float], up: tuple[float, float]
) -> str:
    step, value = curve[-1]
    told = f"<title>{escape(name)}: {value:.4g} at step {step}</title>"
    at = [(_x(x, across), _y(y, up)) for x, y in thinned(curve)]
    color = f'style="--run: var(--run-{number % 8})"'
    if len(at) == 1:
        return f'<circle {color} cx="{at[0][0]:.1f}" cy="{at[0][1]:.1f}" r="3">{told}</circle>'
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    return f'<polyline {color} points="{points}">{told}</polyline>'
