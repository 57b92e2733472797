"""``goodsam ablate``: run a plan, or what is left of it, and write its table."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rich import progress
from rich.console import Console

from goodsam_pl.experiments.jobs import Job, Run, in_order, plan_runs
from goodsam_pl.experiments.plan import Plan, check_names, read_plan
from goodsam_pl.experiments.plots import draw_bars, draw_curve
from goodsam_pl.experiments.results import read_scores, tables
from goodsam_pl.experiments.runner import is_done, log_of, run_jobs
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.locks import locked

__all__ = ["ablate"]


def ablate(
    plan: Path,
    out: Path = Path("runs/ablation"),
    jobs: int = 1,
    threads: int | None = None,
    only: str | None = None,
    seeds: list[int] | None = None,
) -> None:
    """Run named variations of presets over several seeds, and write a table.

    ``docs/ablation.md`` shows a plan. Every training and every test is a process of its own; what
    several variations have in common is done once. A second call does what is not done, or not with
    the plan as it is now; a killed training goes on from its last checkpoint. ``OUT/ablation.md``,
    ``.csv``, ``.json`` and ``.png`` are written even after Ctrl-C; failures are named at the end.

    Args:
        plan: YAML file.
        out: folder of the results; one for each plan.
        jobs: processes at a time; on GPUs each has one of its own, by turns.
        threads: of each process on the CPU; null leaves the choice to torch.
        only: names of variations, separated by commas: run these alone. The table has all that are
            done.
        seeds: of the plan, run these alone, such as ``[0]`` for a first look; null runs all.

    Raises:
        ValueError: the plan, or an option, is wrong.
        SystemExit: with status 1 when a run failed.
    """
    if jobs < 1 or (threads is not None and threads < 1):
        raise ValueError(f"jobs={jobs}, threads={threads}: choose at least 1")
    read, out = read_plan(plan), out.expanduser().resolve()
    runs = plan_runs(read)
    known = [*dict.fromkeys(run.variation for run in runs)]
    names = known if only is None else [name.strip() for name in only.split(",")]
    seeds = read.seeds if seeds is None else seeds
    check_names(names, known, "only")
    check_names(seeds, read.seeds, "seeds")
    chosen = [run for run in runs if run.variation in names and run.seed in seeds]
    environments = _environments(jobs, threads)
    with locked(out) as lock:
        try:
            failed = _run(chosen, out, environments, lock)
        finally:
            command = shlex.join(["goodsam", "ablate", str(plan), f"--out={os.path.relpath(out)}"])
            _write_report(read, runs, out, command)
    Console().print(f"see {out / 'ablation.md'}", soft_wrap=True)
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for job, failure in failed.items():
        console.print(f"failed: {job.name}, {failure}; see {log_of(job, out)}")
        for run in (each for each in chosen if job in each.jobs):
            console.print(f"  therefore no {run.title}")
    if failed:
        raise SystemExit(1)


def _environments(jobs: int, threads: int | None) -> list[dict[str, str]]:
    """Variables of each process of those that run at a time: its threads and its GPU."""
    every = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        import torch  # noqa: PLC0415  # takes seconds, which a wrong plan need not wait for

        visible = ",".join(map(str, range(torch.cuda.device_count())))
    devices = [{"CUDA_VISIBLE_DEVICES": each} for each in visible.split(",") if each] or [{}]
    return [every | devices[place % len(devices)] for place in range(jobs)]


def _run(
    runs: Sequence[Run], out: Path, environments: Sequence[Mapping[str, str]], lock: int
) -> dict[Job, str]:
    """Do what is not done, behind a progress bar; return the failures."""
    jobs = in_order(job for run in runs for job in run.jobs)
    left = [job for job in jobs if not is_done(job, out)]
    failed = {}
    counts = (progress.BarColumn(), progress.MofNCompleteColumn())
    times = (progress.TimeElapsedColumn(), "left", progress.TimeRemainingColumn())
    bar = progress.Progress("ablation", *counts, *times, speed_estimate_period=24 * 3600)
    with bar, closing(run_jobs(left, out, environments, lock)) as ended:
        task = bar.add_task("", total=len(jobs), completed=len(jobs) - len(left))
        for job, failure in ended:
            bar.advance(task)
            if failure:
                failed[job] = failure
            state = f"failed, {failure}" if failure else "done"
            bar.console.print(f"{job.folder(out).name}: {state}", soft_wrap=True, markup=False)
    return failed


def _write_report(plan: Plan, runs: Sequence[Run], out: Path, command: str) -> None:
    scores = read_scores(runs, out)
    for suffix, text in tables(plan, runs, scores, command).items():
        write_atomically(out / f"ablation.{suffix}", text.encode())
    write_atomically(out / "ablation.png", draw_bars(plan, scores))
    if plan.curve:
        write_atomically(out / f"{plan.curve.name}.png", draw_curve(plan, plan.curve.label, scores))
