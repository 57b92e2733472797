"""The table of an ablation, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

from goodsam_pl.ablation.jobs import OUT, Job
from goodsam_pl.ablation.plan import FULL, SCORES, Plan, Preset
from goodsam_pl.ablation.planning import Run
from goodsam_pl.ablation.scores import MeanScore, RunScores, mean_score, paired_difference

__all__ = ["as_csv", "as_markdown"]

_HEADINGS = {
    "student": "student",
    "fused": "fused labels",
    "ta": "TA",
    "source_only": "source-only",
}
_SPLITS = {"test": "test", "val": "validation"}


def as_csv(scores: Iterable[RunScores]) -> str:
    """One line a run: percent, empty where a run has no such score."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["preset", "variation", "seed", *(f"{name}_miou" for name in SCORES)])
    for run, values in scores:
        cells = [f"{values[name]:.2f}" if name in values else "" for name in SCORES]
        writer.writerow([run.preset, run.variation, run.seed, *cells])
    return text.getvalue()


def as_markdown(
    plan: Plan, runs: Sequence[Run], scores: Sequence[RunScores], command: str, missing: int
) -> str:
    """A table a preset: mean ± sample standard deviation, difference to the preset as it stands.

    Args:
        plan: names and notes.
        runs: of the plan.
        scores: of those runs that are done.
        command: that made it.
        missing: how many runs are not done.
    """
    done = sorted({each.run.seed for each in scores}) or plan.seeds
    about = (
        f"mIoU in percent on the {_SPLITS[plan.split]} split, mean ± sample standard deviation "
        f"over seeds {', '.join(map(str, done))}. Δ: student minus the student of `{FULL}`, "
        "paired by seed."
    )
    made_by = ["Made by", "", f"    {command}", *_commands(runs)]
    parts = [f"# {plan.title}", about, "\n".join(made_by)]
    parts += [_of_preset(preset, scores) for preset in plan.presets]
    if missing:
        parts.insert(1, f"**Not complete: {missing} of {len(runs)} runs are not done.**")
    return "\n\n".join(parts) + "\n"


def _commands(runs: Sequence[Run]) -> list[str]:
    """The commands behind the runs, which tell the number of panoramas."""
    jobs: dict[str, Job] = {job.key: job for run in runs for job in run.jobs}
    calls = [
        " ".join(
            [job.verb, *(f"--{key}={each}".replace(OUT, "…") for key, each in job.settings.items())]
        )
        for job in jobs.values()
        if not job.verb.startswith(("fit", "test", "validate"))
    ]
    return [
        "",
        "which calls, among others,",
        "",
        *(f"    goodsam {each}" for each in calls),
    ] * bool(calls)


def _of_preset(preset: Preset, scores: Sequence[RunScores]) -> str:
    own = [each for each in scores if each.run.preset == preset.name]
    names = [name for name in SCORES if any(name in each.values for each in own)]
    rows = [
        f"## {preset.name}",
        "",
        f"| variation | Δ | {' | '.join(_HEADINGS[name] for name in names)} | seeds | |",
        f"|---|---:|{'---:|' * len(names)}---:|---|",
    ]
    full = [each for each in own if each.run.variation == FULL]
    for variation in preset.variations:
        these = [each for each in own if each.run.variation == variation.name]
        means = [mean_score([s.values[name] for s in these if name in s.values]) for name in names]
        difference = None if variation.name == FULL else paired_difference(these, full, "student")
        cells = [
            variation.name,
            _words(difference, "+"),
            *map(_words, means),
            str(len(these)),
            variation.note,
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _words(score: MeanScore | None, sign: str = "") -> str:
    if score is None:
        return "–"
    spread = "" if math.isnan(score.deviation) else f" ± {score.deviation:.2f}"
    return f"{score.mean:{sign}.2f}{spread}".replace("-", "−")
