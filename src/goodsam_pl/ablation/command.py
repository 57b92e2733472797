"""``goodsam ablate``: run a plan, or what is left of it, and write its table."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from goodsam_pl.ablation.calling import Call, Processes, is_done, log_of, perform
from goodsam_pl.ablation.jobs import Job, in_order
from goodsam_pl.ablation.lock import locked
from goodsam_pl.ablation.plan import Plan
from goodsam_pl.ablation.planning import Run, plan_runs
from goodsam_pl.ablation.plots import check_matplotlib, draw_bars, draw_curve
from goodsam_pl.ablation.reading import read_plan
from goodsam_pl.ablation.report import as_csv, as_markdown
from goodsam_pl.ablation.running import run_jobs
from goodsam_pl.ablation.scores import collect
from goodsam_pl.files.atomic import write_atomically

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

    ``docs/ablation.md`` tells what a plan looks like. Every training and every test is a process of
    its own; what several variations have in common is done once. A second call does only what is
    not done, or not with the plan as it is now; a training that was killed goes on from its last
    checkpoint. ``OUT/ablation.md``, ``.csv`` and ``.png`` are written in any case, also when it is
    interrupted; failures are named at the end.

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
    check_matplotlib()
    read = read_plan(plan)
    out = out.expanduser().resolve()
    runs = plan_runs(read)
    chosen = _chosen(runs, only, seeds)
    command = shlex.join(["goodsam", "ablate", str(plan), f"--out={os.path.relpath(out)}"])
    with locked(out) as lock, _terminable():
        processes = Processes(lock)
        try:
            failed = _run(chosen, out, processes, _settings(jobs, threads), processes.stop)
        finally:
            _write_report(read, runs, out, command)
    Console().print(f"see {out / 'ablation.md'}", soft_wrap=True)
    if failed:
        _tell(failed, chosen, out)
        raise SystemExit(1)


def _chosen(runs: Sequence[Run], only: str | None, seeds: Sequence[int] | None) -> list[Run]:
    names = None if only is None else [name.strip() for name in only.split(",")]
    known = {run.variation for run in runs}
    for name in names or ():
        if name not in known:
            raise ValueError(f"only={only}: there is no variation {name!r} in {sorted(known)}")
    of_plan = {run.seed for run in runs}
    for seed in seeds or ():
        if seed not in of_plan:
            raise ValueError(f"seeds={seeds}: the plan has no seed {seed}, but {sorted(of_plan)}")
    return [
        run
        for run in runs
        if (names is None or run.variation in names) and (seeds is None or run.seed in seeds)
    ]


def _settings(jobs: int, threads: int | None) -> list[dict[str, str]]:
    """Environment variables of each place for a process."""
    every = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    devices = _devices()
    if not devices:
        return [every] * jobs
    return [
        {**every, "CUDA_VISIBLE_DEVICES": devices[place % len(devices)]} for place in range(jobs)
    ]


def _devices() -> list[str]:
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [each for each in visible.split(",") if each]
    import torch  # noqa: PLC0415  # takes seconds, which a wrong plan need not wait for

    return [str(index) for index in range(torch.cuda.device_count())]


def _run(
    runs: Sequence[Run],
    out: Path,
    call: Call,
    settings: Sequence[Mapping[str, str]],
    stop: Callable[[], None],
) -> dict[str, Exception | Job]:
    """Do what is not done, behind a progress bar."""
    every = in_order(job for run in runs for job in run.jobs)
    left = [job for job in every if not is_done(job, out)]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, speed_estimate_period=3600 * 24) as progress:
        task = progress.add_task("ablation", total=len(every), completed=len(every) - len(left))

        def finished(job: Job, error: Exception | None) -> None:
            progress.advance(task)
            state = "done" if error is None else f"failed, {error}"
            progress.console.print(f"{job.folder(out).name}: {state}", soft_wrap=True, markup=False)

        def work(job: Job, place: int) -> None:
            perform(job, out, call, settings[place])

        return run_jobs(left, work, len(settings), finished, stop)


def _write_report(plan: Plan, runs: Sequence[Run], out: Path, command: str) -> None:
    scores = collect(runs, out)
    missing = len(runs) - len(scores)
    markdown = as_markdown(plan, runs, scores, command, missing)
    write_atomically(out / "ablation.csv", as_csv(scores).encode())
    write_atomically(out / "ablation.md", markdown.encode())
    write_atomically(out / "ablation.png", draw_bars(plan, scores))
    if plan.curve:
        write_atomically(out / f"{plan.curve.name}.png", draw_curve(plan, plan.curve, scores))


def _tell(failed: Mapping[str, Exception | Job], runs: Sequence[Run], out: Path) -> None:
    """Name what failed, where its log is, and which runs are without a result for it."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for job in in_order(job for run in runs for job in run.jobs):
        error = failed.get(job.key)
        if isinstance(error, Exception):
            console.print(f"failed: {job.name}, {error}; see {log_of(job, out)}")
            for run in runs:
                if any(each.key == job.key for each in run.jobs):
                    console.print(f"  therefore no {run.title}")


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end us as Ctrl-C does, with all that we started."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
