"""Commands to be run, each known by a hash of all that it depends on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import goodsam_pl
from goodsam_pl.files.overrides import mapped_texts

__all__ = ["OUT", "Job", "in_order", "placed"]

OUT = "<out>"
"""Stands for a job's own folder, which its hash must not depend on."""

_FOLDER = re.compile(r"<job ([0-9a-f]{64})>")


@dataclass(frozen=True, eq=False)
class Job:
    """One call of ``goodsam``. Jobs that would do the same are the same.

    Attributes:
        name: of the stage, and what is done with it.
        verb: of the command line.
        settings: configuration of a training verb, else the options; a folder of another job
            stands there as that job's :attr:`mark`, the own one as :data:`OUT`.
        needs: the jobs whose folders are named.
        checkpoint: scored by this job.
    """

    name: str
    verb: str
    settings: dict[str, Any]
    needs: tuple[Job, ...] = ()
    checkpoint: Job | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 of the version, the verb, the settings and, by their keys, of all inputs."""
        identity = {
            "version": goodsam_pl.__version__,
            "verb": self.verb,
            "settings": self.settings,
            "checkpoint": self.checkpoint and self.checkpoint.key,
        }
        text = json.dumps(identity, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def mark(self) -> str:
        """Stands for the folder in the settings of other jobs."""
        return f"<job {self.key}>"

    @property
    def inputs(self) -> tuple[Job, ...]:
        """All jobs that have to be done before."""
        return (*self.needs, *([self.checkpoint] if self.checkpoint else []))

    def folder(self, out: Path) -> Path:
        """Where its files are."""
        return out / "stages" / f"{self.name}-{self.key[:12]}"


def placed(job: Job, out: Path) -> dict[str, Any]:
    """The settings of a job, with its folders in an output folder."""
    folders = {each.key: str(each.folder(out)) for each in job.inputs}

    def place(text: str) -> str:
        text = text.replace(OUT, str(job.folder(out)))
        return _FOLDER.sub(lambda found: folders[found[1]], text)

    settings: dict[str, Any] = mapped_texts(job.settings, place)
    return settings


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """These jobs and all that they need, each once, none before its inputs."""
    found: dict[str, Job] = {}
    for job in jobs:
        for each in _with_inputs(job):
            found.setdefault(each.key, each)
    return list(found.values())


def _with_inputs(job: Job) -> Iterator[Job]:
    for each in job.inputs:
        yield from _with_inputs(each)
    yield job
