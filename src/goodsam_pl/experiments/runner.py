"""Jobs as processes of their own, some at a time, each after its inputs.

A process leaves a log and, when its job is done, a result: what has one is not done again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen

import yaml

from goodsam_pl.experiments.jobs import Job
from goodsam_pl.files import read_regular
from goodsam_pl.files.atomic import write_atomically

__all__ = ["is_done", "log_of", "run_jobs", "table_of"]

_RESULT = "result.json"
_TABLES = {"test": "test_classes.csv", "validate": "val_classes.csv"}
_PATIENCE = 0.1  # seconds between two looks at the processes


def run_jobs(
    jobs: Sequence[Job], out: Path, environments: Sequence[Mapping[str, str]], lock: int
) -> Generator[tuple[Job, str | None]]:
    """Do all jobs that can be done; a killed training goes on from its last checkpoint.

    Args:
        jobs: to be done, in order; inputs that are not among them are there already.
        out: output folder.
        environments: variables of the processes; so many run at a time.
        lock: a file descriptor that every process inherits.

    Yields:
        Jobs that came to an end, with their failures. What needs a failed one is not begun.
    """
    sorter = TopologicalSorter({job: {*job.inputs} & {*jobs} for job in jobs})
    sorter.prepare()
    ready, free = list[Job](), list(environments)
    running: dict[Job, tuple[Popen[bytes], Mapping[str, str]]] = {}
    try:
        while True:
            ready = sorted([*ready, *sorter.get_ready()], key=jobs.index)
            while ready and free:
                job, environment = ready.pop(0), free.pop(0)
                with _undisturbed():
                    running[job] = (_start(job, out, environment, lock), environment)
            if not running:
                return
            ended = [job for job, (process, _) in running.items() if process.poll() is not None]
            for job in ended:
                process, environment = running.pop(job)
                free.append(environment)
                if (failure := _finish(job, out, process.returncode)) is None:
                    sorter.done(job)
                yield job, failure
            if not ended:
                time.sleep(_PATIENCE)
    finally:
        for process, _ in running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def is_done(job: Job, out: Path) -> bool:
    """Whether the job left its result, and what others need of it is still there.

    A damaged result is none: the job is done again, a training from its last checkpoint on.
    """
    try:
        key = json.loads(read_regular(job.folder(out) / _RESULT))["key"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return bool(key == job.key) and _missing(job, out) is None


def table_of(job: Job, out: Path) -> Path:
    """The table of classes that a scoring job writes."""
    return job.folder(out) / _TABLES[job.verb]


def log_of(job: Job, out: Path) -> Path:
    """What the job printed."""
    return job.folder(out) / f"{job.verb.replace(' ', '_')}.log"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put off Ctrl-C and SIGTERM until a process that starts is known to be ended with us."""
    came: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    for number in came:
        signal.raise_signal(number)


def _start(job: Job, out: Path, environment: Mapping[str, str], lock: int) -> Popen[bytes]:
    job.folder(out).mkdir(parents=True, exist_ok=True)
    with log_of(job, out).open("ab") as log:
        return Popen(  # noqa: S603  # our own command line
            [sys.executable, "-m", "goodsam_pl", *_words(job, out)],
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
            env={**os.environ, **environment},
            pass_fds=[lock],
            start_new_session=True,  # with processes of its own, all ended together
        )


def _words(job: Job, out: Path) -> list[str]:
    settings = job.placed(out)
    if not job.has_config:
        texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in settings.items()}
        return [*job.verb.split(), *(f"--{key}={text}" for key, text in texts.items())]
    config = job.folder(out) / "settings.yaml"
    write_atomically(config, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode())
    checkpoint = _scored(job, out)
    going_on = [f"--ckpt_path={checkpoint}"] if checkpoint else []
    return [job.verb, f"--config={config}", *going_on]


def _finish(job: Job, out: Path, status: int) -> str | None:
    """Leave a result, or say what is wrong."""
    if status != 0:
        source = job.checkpoint or job
        path = _scored(job, out)
        damaged = path is not None and not zipfile.is_zipfile(path)
        hint = f"; {path} is damaged: remove it, and {source.name} is done again" if damaged else ""
        return f"ended with status {status}{hint}"
    if (missing := _missing(job, out)) is None:
        result = json.dumps({"key": job.key, "job": job.name})
        write_atomically(job.folder(out) / _RESULT, result.encode())
    return missing


def _missing(job: Job, out: Path) -> str | None:
    """What others need of a job that was done, and how to get it."""
    if job.verb == "fit" and _checkpoint(job, out) is None:
        return "left no last.ckpt: give the preset's ModelCheckpoint `save_last: true`"
    if job.verb == "fit" and _checkpoint(job, out, job.scored) is None:
        return f"left no {job.scored}.ckpt: give the preset's ModelCheckpoint that `filename`"
    if job.verb in _TABLES and not table_of(job, out).is_file():
        table = _TABLES[job.verb]
        return f"wrote no {table}: put goodsam_pl.callbacks.ClassTable among trainer.callbacks"
    return None


def _scored(job: Job, out: Path) -> Path | None:
    """What a training goes on from, or a score is of, where it is there."""
    if job.checkpoint:
        return _checkpoint(job.checkpoint, out, job.checkpoint.scored)
    return _checkpoint(job, out)


def _checkpoint(job: Job, out: Path, name: str = "last") -> Path | None:
    """A state of a training, the latest if nothing is said, where it has one."""
    return next(iter(sorted(job.folder(out).rglob(f"{name}.ckpt"))), None)
