"""How a score rose while the trainings of a plan went on: a curve for each row, over its seeds.

python scripts/training_curves.py configs/goodsam/ablation/given_time.yaml runs/given_time \
    --stage joint --out runs/given_time/curves.png

The trainings must log to CSV files, as the plans' do. Rows that have not begun are left out. A line
is the mean of the seeds that went so far, the shade goes from the lowest to the highest of them,
and a dot is where a seed was best. Prints one JSON object: of each row, the best step and score by
seed.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from goodsam_pl.experiments.jobs import plan_runs
from goodsam_pl.experiments.plan import Plan, read_plan

Curve = dict[int, float]
"""Score by optimizer step."""


def main() -> None:
    """Read, draw, and print where each was best."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("plan", type=Path, help="of `goodsam ablate`")
    parser.add_argument("results", type=Path, help="the folder of its --out")
    parser.add_argument("--stage", required=True, help="whose trainings are looked at")
    parser.add_argument("--score", default="val/miou", help="as it is logged (val/miou)")
    parser.add_argument("--out", type=Path, required=True, help="the picture, a PNG")
    arguments = parser.parse_args()
    plan = read_plan(arguments.plan)
    curves = read_curves(plan, arguments.results, arguments.stage, arguments.score)
    if not curves:
        parser.error(
            f"no training of {arguments.stage!r} in {arguments.results} has logged "
            f"{arguments.score!r}: look at --stage and --score, or wait for its first validation"
        )
    draw(curves, f"{arguments.score}, {plan.title}").savefig(arguments.out, dpi=120)
    print(json.dumps({row: best_of(by_seed) for row, by_seed in curves.items()}))


def read_curves(plan: Plan, results: Path, stage: str, score: str) -> dict[str, dict[int, Curve]]:
    """The curves by row and seed, of the trainings that have one."""
    curves: dict[str, dict[int, Curve]] = defaultdict(dict)
    for run in plan_runs(plan):
        fits = [job for job in run.jobs if job.name == f"{stage}-fit"]
        files = [file for fit in fits for file in fit.folder(results).rglob("metrics.csv")]
        curve = {step: value for file in sorted(files) for step, value in read_curve(file, score)}
        if curve:
            curves[f"{run.preset}: {run.variation}"][run.seed] = curve
    return dict(curves)


def read_curve(file: Path, score: str) -> list[tuple[int, float]]:
    """Steps done and scores, of the rows that have one."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get(score)]
    return [(int(row["step"]) + 1, float(row[score])) for row in rows]  # logged is the last step


def best_of(by_seed: Mapping[int, Curve]) -> dict[int, tuple[int, float]]:
    """By seed, the earliest step with the best score, and that score."""
    return {seed: max(curve.items(), key=lambda at: at[1]) for seed, curve in by_seed.items()}


def draw(curves: Mapping[str, Mapping[int, Curve]], title: str) -> Figure:
    """Draw all rows, scores in percent."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (row, by_seed) in enumerate(curves.items()):
        color = f"C{number}"
        steps = sorted({step for curve in by_seed.values() for step in curve})
        at = [[100 * curve[step] for curve in by_seed.values() if step in curve] for step in steps]
        axes.plot(steps, [sum(values) / len(values) for values in at], color=color, label=row)
        axes.fill_between(
            steps, [min(each) for each in at], [max(each) for each in at], color=color, alpha=0.2
        )
        for step, value in best_of(by_seed).values():
            axes.plot(step, 100 * value, "o", color=color, markersize=4)
    axes.set(title=title, xlabel="optimizer steps", ylabel="%")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
