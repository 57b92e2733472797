"""What the runs reached, as tables."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from goodsam_pl.experiments.jobs import OUT, Run, in_order
from goodsam_pl.experiments.plan import FULL, SCORES, Plan
from goodsam_pl.experiments.runner import is_done, table_of
from goodsam_pl.files import read_regular

__all__ = ["Scores", "by_seed", "mean_and_spread", "read_scores", "tables"]

Scores = Mapping[Run, Mapping[str, float]]
"""mIoU in percent of each run that is done, by name; absent where the run has no such score."""

_HEADINGS = {"fused": "fused labels", "ta": "TA", "source_only": "source-only"}
_SPLITS = {"test": "test", "val": "validation"}


def read_scores(runs: Iterable[Run], out: Path) -> Scores:
    """Read the scores of all runs that are done.

    Raises:
        ValueError: a table of classes is damaged, or has no such column.
    """
    done = [run for run in runs if all(is_done(job, out) for job in run.jobs)]
    return {run: _scores_of(run, out) for run in done}


def by_seed(scores: Scores, preset: str, variation: str, name: str) -> dict[int, float]:
    """A score of a variation, percent, for each seed that is done."""
    return {
        run.seed: values[name]
        for run, values in scores.items()
        if (run.preset, run.variation) == (preset, variation) and name in values
    }


def mean_and_spread(values: Collection[float]) -> tuple[float, float]:
    """Mean and sample standard deviation; NaN where there are too few values."""
    mean = statistics.fmean(values) if values else math.nan
    return mean, statistics.stdev(values) if len(values) > 1 else math.nan


def tables(plan: Plan, runs: Sequence[Run], scores: Scores, command: str) -> dict[str, str]:
    """The table as ``md``, ``csv`` and ``json``, which names the folders behind the scores.

    Args:
        plan: names and notes.
        runs: of the plan; those without scores are missing.
        scores: of those that are done.
        command: that made it.
    """
    markdown = _markdown(plan, runs, scores, command)
    return {"md": markdown, "csv": _csv(scores), "json": _json(scores)}


def _json(scores: Scores) -> str:
    runs = {
        run.title: {"miou": values, "stages": [str(job.folder(Path())) for job in run.jobs]}
        for run, values in scores.items()
    }
    return json.dumps(runs, indent=2, ensure_ascii=False) + "\n"


def _csv(scores: Scores) -> str:
    """One line a run: percent, empty where a run has no such score."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["preset", "variation", "seed", *(f"{name}_miou" for name in SCORES)])
    for run, values in scores.items():
        cells = [f"{values[name]:.2f}" if name in values else "" for name in SCORES]
        writer.writerow([run.preset, run.variation, run.seed, *cells])
    return text.getvalue()


def _markdown(plan: Plan, runs: Sequence[Run], scores: Scores, command: str) -> str:
    missing = len(runs) - len(scores)
    seeds = ", ".join(map(str, sorted({run.seed for run in scores}) or plan.seeds))
    about = (
        f"mIoU in percent on the {_SPLITS[plan.split]} split, mean ± sample standard deviation "
        f"over seeds {seeds}. Δ: student minus the student of `{FULL}`, paired by seed."
    )
    options = {  # of the commands behind the runs, which tell the number of panoramas
        job: " ".join(f"--{key}={each}".replace(OUT, "…") for key, each in job.settings.items())
        for job in in_order(job for run in runs for job in run.jobs)
        if not job.has_config
    }
    calls = "\n".join(f"    goodsam {job.verb} {words}" for job, words in options.items())
    parts = [
        f"# {plan.title}",
        f"**Not complete: {missing} of {len(runs)} runs are not done.**" if missing else "",
        about,
        f"Made by\n\n    {command}",
        f"which calls, among others,\n\n{calls}" if calls else "",
        *(_group(plan, preset, scores) for preset in plan.presets),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _group(plan: Plan, preset: str, scores: Scores) -> str:
    own = [run for run in scores if run.preset == preset]
    names = [name for name in SCORES if any(name in scores[run] for run in own)]
    full = by_seed(scores, preset, FULL, "student")
    rows = [
        f"## {preset}",
        "",
        f"| variation | Δ | {' | '.join(_HEADINGS.get(name, name) for name in names)} | seeds | |",
        f"|---|---:|{'---:|' * len(names)}---:|---|",
    ]
    for key, variation in plan.presets[preset].rows.items():
        students = by_seed(scores, preset, key, "student")
        differences = [students[seed] - full[seed] for seed in students if seed in full]
        cells = [
            key,
            "–" if key == FULL else _words(differences, "+"),
            *(_words(by_seed(scores, preset, key, name).values()) for name in names),
            str(sum(run.variation == key for run in own)),
            variation.note,
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _words(values: Collection[float], sign: str = "") -> str:
    mean, spread = mean_and_spread(values)
    text = "–" if math.isnan(mean) else f"{mean:{sign}.2f}"
    return (text if math.isnan(spread) else f"{text} ± {spread:.2f}").replace("-", "−")


def _scores_of(run: Run, out: Path) -> dict[str, float]:
    tables = {name: (table_of(job, out), column) for name, (job, column) in run.scores.items()}
    means = {name: _mean_of(*place) for name, place in tables.items()}
    return {name: mean for name, mean in means.items() if not math.isnan(mean)}


def _mean_of(table: Path, column: str) -> float:
    """The mean of a column of a table of classes, percent."""
    try:
        lines = read_regular(table).decode("utf-8").splitlines()
        means = {row["class"]: row for row in csv.DictReader(lines)}["mean"]
        if column in means:
            return 100 * float(means[column])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(f"{table} is damaged ({error}): remove it, and it is made anew") from error
    columns = ", ".join(key for key in means if key and key.startswith("iou"))
    raise ValueError(f"{table} has no column {column!r}, but {columns}: see the scores")
