"""Scores as HTML: a table of runs, bars of classes, the table of an experiment."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

from goodsam_pl.views.report.class_scores import SPLITS, ClassScores
from goodsam_pl.views.report.experiment_results import ExperimentResults, Variation
from goodsam_pl.views.report.run_results import RunResults

__all__ = ["class_bars", "experiment_table", "run_key", "score_table"]

_HEADINGS = {"iou": "mIoU", "boundary_iou": "boundary mIoU"}
_WORDS = {"test": "test", "val": "validation"}
_COMPARED = ("student", "fused", "ta", "source_only")
_FULL = "full"


class _Column(NamedTuple):
    """One score of one split."""

    split: str
    score: str

    @property
    def heading(self) -> str:
        for start, words in _HEADINGS.items():
            if self.score == start or self.score.startswith(f"{start}_"):
                kind = self.score[len(start) + 1 :].replace("_", " ")
                return f"{_WORDS[self.split]} {words}{f', {kind}' if kind else ''}"
        return f"{_WORDS[self.split]} {self.score.replace('_', ' ')}"


def run_key(names: Mapping[int, str]) -> str:
    """Which colour is whose, by the numbers of colours."""
    items = (
        f'<li style="--run: var(--run-{number % 8})"><i></i>{escape(name)}</li>'
        for number, name in names.items()
    )
    return f'<ul class="runs">{"".join(items)}</ul>'


def score_table(runs: Sequence[RunResults]) -> str:
    """The means of all runs; empty where none was scored. The best of a column is bold."""
    tables = {(run.name, each.split): each for run in runs for each in run.scores}
    columns = [
        *dict.fromkeys(
            _Column(split, score)
            for split in SPLITS
            for (_, own), table in tables.items()
            if own == split
            for score in table.means
        )
    ]
    if not columns:
        return ""
    rows = []
    best = {column: _best(column, tables.values()) for column in columns}
    for run in runs:
        cells = []
        for column in columns:
            table = tables.get((run.name, column.split))
            value = math.nan if table is None else table.means.get(column.score, math.nan)
            mark = " best" if value == best[column] and len(runs) > 1 else ""
            cells.append(f'<td class="number{mark}">{_told(column, value)}</td>')
        rows.append(f"<tr><td>{escape(run.name)}</td>{''.join(cells)}</tr>")
    head = "".join(f'<th class="number">{escape(each.heading)}</th>' for each in columns)
    return (
        "<h2>Scores</h2>\n"
        f'<div class="scroll"><table><tr><th>run</th>{head}</tr>\n'
        + "\n".join(rows)
        + "</table></div>\n"
        + _warning([*tables.values()])
    )


def class_bars(runs: Sequence[RunResults]) -> str:
    """IoU of each class, a bar for each run; of the test, or of the validation without one."""
    split = next((each for each in SPLITS if any(_of(run, each) for run in runs)), None)
    if split is None:
        return ""
    tables = {
        number: (run.name, table)
        for number, run in enumerate(runs)
        if (table := _of(run, split)) is not None
    }
    names = dict.fromkeys(name for _, table in tables.values() for name in table.classes)
    rows = []
    for name in names:
        bars = "".join(
            _bar(number, _iou(table, name), run) for number, (run, table) in tables.items()
        )
        rows.append(f'<tr><td>{escape(name)}</td><td class="bars">{bars}</td></tr>')
    key = run_key({number: run for number, (run, _) in tables.items()})
    return (
        f"<h2>Classes</h2>\n<p>IoU in percent, {_WORDS[split]}.</p>\n"
        f'{key}<div class="scroll"><table class="classes">\n' + "\n".join(rows) + "</table></div>\n"
    )


def experiment_table(experiment: ExperimentResults) -> str:
    """All variations by preset: mean and sample standard deviation over their seeds, percent."""
    presets = dict.fromkeys(each.preset for each in experiment.variations)
    about = (
        "mIoU in percent, mean ± sample standard deviation over seeds. Δ: student minus the "
        f"student of <i>{_FULL}</i>, paired by seed."
    )
    parts = [f"<h2>Experiment {escape(experiment.name)}</h2>\n<p>{about}</p>"]
    for preset in presets:
        rows = [each for each in experiment.variations if each.preset == preset]
        known = dict.fromkeys([*_COMPARED, *(name for row in rows for name in row.miou)])
        names = [name for name in known if any(name in row.miou for row in rows)]
        full = next((each for each in rows if each.name == _FULL), None)
        most = max(
            (
                statistics.fmean(row.miou["student"].values())
                for row in rows
                if row.miou.get("student")
            ),
            default=0.0,
        )
        head = "".join(
            f'<th class="number">{escape(name.replace("_", " "))}</th>' for name in names
        )
        body = "\n".join(_variation(row, names, full, most) for row in rows)
        parts.append(
            f'<h3>{escape(preset)}</h3>\n<div class="scroll"><table><tr><th>variation</th>'
            f'<th class="number">Δ</th>{head}<th class="number">seeds</th><th></th></tr>\n'
            f"{body}</table></div>"
        )
    return "\n".join(parts) + "\n"


def _variation(row: Variation, names: Sequence[str], full: Variation | None, most: float) -> str:
    students = row.miou.get("student", {})
    reference = {} if full is None else full.miou.get("student", {})
    differences = [students[seed] - reference[seed] for seed in students if seed in reference]
    delta = "–" if row.name == _FULL else _spread(differences, "+")
    cells = "".join(
        f'<td class="number" title="{_by_seed(row.miou.get(name, {}))}">'
        f"{_spread([*row.miou.get(name, {}).values()])}</td>"
        for name in names
    )
    seeds = {seed for values in row.miou.values() for seed in values}
    share = statistics.fmean(students.values()) / most if students and most else 0
    length = f"{120 * share:.0f}px"
    bar = f'<div class="bar" style="--run: var(--run-0)"><i style="width: {length}"></i></div>'
    return (
        f'<tr><td>{escape(row.name)}</td><td class="number">{delta}</td>{cells}'
        f'<td class="number">{len(seeds)}</td><td>{bar}</td></tr>'
    )


def _by_seed(values: Mapping[int, float]) -> str:
    return ", ".join(f"seed {seed}: {value:.2f}" for seed, value in values.items())


def _spread(values: Sequence[float], sign: str = "") -> str:
    if not values:
        return "–"
    text = f"{statistics.fmean(values):{sign}.2f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.2f}"
    return text.replace("-", "−")


def _of(run: RunResults, split: str) -> ClassScores | None:
    return next((each for each in run.scores if each.split == split), None)


def _iou(table: ClassScores, name: str) -> float:
    if name not in table.classes or "iou" not in table.columns:
        return math.nan
    return table.columns["iou"][table.classes.index(name)]


def _bar(number: int, value: float, run: str) -> str:
    width = 0.0 if math.isnan(value) else 100 * value
    return (
        f'<div class="bar" style="--run: var(--run-{number % 8})" title="{escape(run)}">'
        f'<i style="width: {0.9 * width:.1f}%"></i>{_percent(value)}</div>'
    )


def _best(column: _Column, tables: Iterable[ClassScores]) -> float:
    values = [
        table.means[column.score]
        for table in tables
        if table.split == column.split and column.score in table.means
    ]
    known = [each for each in values if not math.isnan(each)]
    lower = column.score.startswith("seam_disagreement")
    return (min if lower else max)(known, default=math.nan)


def _told(column: _Column, value: float) -> str:
    if column.score.startswith("seam_disagreement"):
        return "–" if math.isnan(value) else f"{value:.2f}"
    return _percent(value)


def _percent(fraction: float) -> str:
    return "–" if math.isnan(fraction) else f"{100 * fraction:.1f}"


def _warning(tables: Sequence[ClassScores]) -> str:
    """Scores on other labels do not compare, and a table does not show it."""
    for split in SPLITS:
        pixels = {(each.classes, each.pixels) for each in tables if each.split == split}
        if len(pixels) > 1:
            return (
                f'<p class="note">Not all runs were scored on the same {_WORDS[split]} labels: '
                "their classes or their labelled pixels differ.</p>\n"
            )
    return ""
