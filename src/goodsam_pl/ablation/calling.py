"""One job as a process of its own, which leaves a log and, when it is done, a result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import yaml

from goodsam_pl.ablation.jobs import Job, placed
from goodsam_pl.files import open_regular, read_regular
from goodsam_pl.files.arrays import damage_told
from goodsam_pl.files.atomic import write_atomically

__all__ = ["Call", "JobError", "Processes", "is_done", "log_of", "perform", "table_of"]

_RESULT = "result.json"
_TABLES = {"test": "test_classes.csv", "validate": "val_classes.csv"}


class JobError(RuntimeError):
    """A job did not do what it should."""


class Call(Protocol):
    """Runs ``goodsam`` and waits for its end."""

    def __call__(self, words: Sequence[str], log: Path, settings: Mapping[str, str]) -> int:
        """Return the exit status.

        Args:
            words: after ``goodsam``.
            log: takes what is printed.
            settings: environment variables, over those of this process.
        """
        ...


class Processes:
    """Runs commands as processes that can be ended all at once.

    Args:
        kept_open: a file descriptor that every process inherits.
    """

    def __init__(self, kept_open: int) -> None:
        self._kept_open = kept_open
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __call__(self, words: Sequence[str], log: Path, settings: Mapping[str, str]) -> int:
        """See :class:`Call`."""
        with log.open("ab") as stream:
            with self._lock:
                if self._stopped:
                    return -signal.SIGTERM
                process = subprocess.Popen(  # noqa: S603  # our own command line
                    [sys.executable, "-m", "goodsam_pl", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **settings},
                    pass_fds=[self._kept_open],
                    start_new_session=True,  # with processes of its own, all ended together
                )
                self._running.add(process)
            status = process.wait()
            with self._lock:
                self._running.discard(process)
            return status

    def stop(self) -> None:
        """End all of them, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def is_done(job: Job, out: Path) -> bool:
    """Whether the job left its result, and what others need of it is still there.

    A damaged result is none: the job is done again, a training from its last checkpoint on.
    """
    try:
        result = json.loads(read_regular(job.folder(out) / _RESULT))
        key = result["key"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    if key != job.key:
        return False
    if job.verb in _TABLES:
        return table_of(job, out).is_file()
    return job.verb != "fit" or _checkpoint(job.folder(out)) is not None


def table_of(job: Job, out: Path) -> Path:
    """The table of classes that a scoring job writes."""
    return job.folder(out) / _TABLES[job.verb]


def log_of(job: Job, out: Path) -> Path:
    """What the job printed."""
    return job.folder(out) / f"{job.verb.replace(' ', '_')}.log"


def perform(job: Job, out: Path, call: Call, settings: Mapping[str, str]) -> None:
    """Run a job whose inputs are there, or continue it where it was killed.

    Args:
        job: not done yet.
        out: output folder of the ablation.
        call: runs the command.
        settings: environment variables.

    Raises:
        JobError: the command failed, or left without its checkpoint or table.
    """
    folder = job.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    status = call(_words(job, out), log_of(job, out), settings)
    if status != 0:
        raise JobError(f"ended with status {status}{_damage(job, out)}")
    if job.verb == "fit" and _checkpoint(folder) is None:
        raise JobError("left no last.ckpt: give the preset's ModelCheckpoint `save_last: true`")
    if job.verb in _TABLES and not table_of(job, out).is_file():
        raise JobError(
            f"wrote no {_TABLES[job.verb]}: put goodsam_pl.callbacks.ClassTable among "
            "trainer.callbacks"
        )
    seconds = round(time.monotonic() - begun, 1)
    result = {"key": job.key, "job": job.name, "seconds": seconds}
    write_atomically(folder / _RESULT, json.dumps(result, indent=2).encode() + b"\n")


def _damage(job: Job, out: Path) -> str:
    """What to do where the checkpoint that a job goes on from is damaged; empty elsewhere."""
    source = job if job.verb == "fit" else job.checkpoint
    checkpoint = _checkpoint(source.folder(out)) if source else None
    if checkpoint is None or _is_whole(checkpoint):
        return ""
    return f"; {checkpoint} is damaged: remove it, and {source and source.name} is done again"


def _is_whole(checkpoint: Path) -> bool:
    """Whether an archive can be read to its end; known without torch."""
    try:
        with (
            damage_told(),
            open_regular(checkpoint) as stream,
            zipfile.ZipFile(stream) as archive,
        ):
            return archive.testzip() is None
    except ValueError:
        return False


def _words(job: Job, out: Path) -> list[str]:
    settings, folder = placed(job, out), job.folder(out)
    if job.verb != "fit" and job.verb not in _TABLES:
        return [*job.verb.split(), *(f"--{key}={_word(each)}" for key, each in settings.items())]
    config = folder / "settings.yaml"
    write_atomically(config, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode())
    words = [job.verb, f"--config={config}"]
    source = job if job.verb == "fit" else job.checkpoint  # a killed training goes on
    checkpoint = _checkpoint(source.folder(out)) if source else None
    return words if checkpoint is None else [*words, f"--ckpt_path={checkpoint}"]


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _checkpoint(folder: Path) -> Path | None:
    """The latest state of a training, where it has one."""
    return next(iter(sorted(folder.rglob("last.ckpt"))), None)
