"""What the runs reached."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.ablation.calling import is_done, table_of
from goodsam_pl.ablation.planning import JobScore, Run
from goodsam_pl.files import read_regular
from goodsam_pl.files.atomic import write_atomically

__all__ = ["MeanScore", "RunScores", "collect", "mean_score", "paired_difference"]


class RunScores(NamedTuple):
    """Scores of a run.

    Attributes:
        run: which.
        values: mIoU in percent by name; absent where the run has no such score.
    """

    run: Run
    values: dict[str, float]


class MeanScore(NamedTuple):
    """A score over seeds.

    Attributes:
        mean: percent.
        deviation: sample standard deviation, percent; NaN for one seed.
        seeds: how many.
    """

    mean: float
    deviation: float
    seeds: int


def collect(runs: Iterable[Run], out: Path) -> list[RunScores]:
    """Read the scores of all runs that are done, and leave each in the run's folder.

    Raises:
        ValueError: a table of classes is damaged, or has no such column.
    """
    done = [run for run in runs if all(is_done(job, out) for job in run.jobs)]
    return [_collect(run, out) for run in done]


def mean_score(values: Sequence[float]) -> MeanScore | None:
    """Mean and sample standard deviation, ``None`` of nothing."""
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else math.nan
    return MeanScore(statistics.fmean(values), deviation, len(values))


def paired_difference(
    scores: Sequence[RunScores], reference: Sequence[RunScores], name: str
) -> MeanScore | None:
    """How much higher a score is than the reference's, seed by seed, over the seeds of both."""
    known = {each.run.seed: each.values.get(name) for each in reference}
    pairs = [(each.values.get(name), known.get(each.run.seed)) for each in scores]
    differences = [own - other for own, other in pairs if own is not None and other is not None]
    return mean_score(differences)


def _collect(run: Run, out: Path) -> RunScores:
    found = {name: _read(score, out) for name, score in run.scores.items()}
    values = {name: value for name, value in found.items() if not math.isnan(value)}
    result = {
        "preset": run.preset,
        "variation": run.variation,
        "seed": run.seed,
        "miou": values,
        "jobs": {job.name: str(job.folder(out).relative_to(out)) for job in run.jobs},
    }
    content = json.dumps(result, indent=2, ensure_ascii=False).encode() + b"\n"
    path = run.folder(out) / "result.json"
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
    return RunScores(run, values)


def _read(score: JobScore, out: Path) -> float:
    path = table_of(score.job, out)
    try:
        text = read_regular(path).decode("utf-8")
        rows = {row["class"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
        means = rows["mean"]
        if score.column in means:
            return 100 * float(means[score.column])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(
            f"{path} is damaged ({error}): remove it, and {score.job.name} is done again"
        ) from error
    columns = ", ".join(key for key in means if key and key.startswith("iou"))
    raise ValueError(f"{path} has no column {score.column!r}, but {columns}: see the scores")
