"""Scores of every class as rows: for the console, for a CSV file, for a dashboard."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.table import Table

from goodsam_pl.metrics import SegmentationScores

__all__ = ["ScoreTable"]


class _Column(NamedTuple):
    """One score of one kind of prediction.

    Attributes:
        name: in files.
        heading: on the console.
        values: fraction of 1 for each class, NaN where there is none.
        mean: over the classes that have one.
    """

    name: str
    heading: str
    values: list[float]
    mean: float


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one validation or test.

    Attributes:
        classes: names.
        scores: by kind of prediction, the system's own first; all kinds met the same labels.
    """

    classes: Sequence[str]
    scores: Mapping[str, SegmentationScores]

    def __post_init__(self) -> None:
        for score in self.scores.values():
            score.check_names(self.classes)

    @property
    def pixels(self) -> list[int]:
        """Labelled pixels of each class."""
        pixels: list[int] = next(iter(self.scores.values())).pixels.tolist()
        return pixels

    @property
    def caption(self) -> str:
        """Over which classes the mean is, where not over all."""
        score = next(iter(self.scores.values()))
        missing = score.iou.isnan().tolist()
        if not any(missing):
            return ""
        count = len(self.classes)
        text = f"mean over {count - sum(missing)} of {count} classes"
        unscored = ", ".join(self.classes[index] for index in score.unscored)
        return f"{text}; the network has no class for {unscored}" if unscored else text

    def for_console(self, title: str) -> Table:
        """A table to print, in percent."""
        columns = self._columns()
        table = Table("class", title=title, caption=self.caption or None)
        table.add_column("pixels", justify="right")
        for column in columns:
            table.add_column(column.heading, justify="right")
        for index, (name, pixels) in enumerate(zip(self.classes, self.pixels, strict=True)):
            row = [_percent(column.values[index]) for column in columns]
            table.add_row(name, f"{pixels:,}", *row)
        table.add_section()
        means = [_percent(column.mean) for column in columns]
        table.add_row("mean", f"{sum(self.pixels):,}", *means, style="bold")
        accuracies = [score.pixel_accuracy.item() for score in self.scores.values()]
        table.add_row("pixel accuracy", "", *map(_percent, accuracies))
        if seams := self._seams():
            table.add_row("seam disagreement", "", *map(_ratio, seams.values()))
        return table

    def header(self) -> list[str]:
        """Names of the columns of :meth:`rows`."""
        seams = [_named("seam_disagreement", kind, self.scores) for kind in self._seams()]
        return ["class", "pixels", *(column.name for column in self._columns()), *seams]

    def rows(self) -> list[list[str | int | float]]:
        """One row a class, then the mean, fractions of 1; seams stand in the last row alone."""
        columns, seams = self._columns(), self._seams()
        rows: list[list[str | int | float]] = [
            [name, pixels, *(column.values[index] for column in columns), *[math.nan] * len(seams)]
            for index, (name, pixels) in enumerate(zip(self.classes, self.pixels, strict=True))
        ]
        means = [column.mean for column in columns]
        return [*rows, ["mean", sum(self.pixels), *means, *seams.values()]]

    def as_csv(self) -> str:
        """The rows as a CSV file with a header."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header())
        writer.writerows(self.rows())
        return text.getvalue()

    def _columns(self) -> list[_Column]:
        iou = [
            _Column(_named("iou", kind, self.scores), kind, score.iou.tolist(), score.miou.item())
            for kind, score in self.scores.items()
        ]
        boundary = [
            _Column(
                _named("boundary_iou", kind, self.scores),
                f"{kind}, boundary",
                score.boundary_iou.tolist(),
                score.boundary_iou.nanmean().item(),
            )
            for kind, score in self.scores.items()
            if score.boundary_iou is not None
        ]
        return iou + boundary

    def _seams(self) -> dict[str, float]:
        return {
            kind: score.seam_disagreement.item()
            for kind, score in self.scores.items()
            if score.seam_disagreement is not None
        }


def _named(score: str, kind: str, kinds: Mapping[str, object]) -> str:
    """As in the names that are logged: the first kind goes without a suffix."""
    return score if kind == next(iter(kinds)) else f"{score}_{kind}"


def _percent(fraction: float) -> str:
    return "–" if math.isnan(fraction) else f"{100 * fraction:.1f}"


def _ratio(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
