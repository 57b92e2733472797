"""From a plan to jobs: every variation and seed is a run, runs share what is the same for them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import goodsam_pl
from goodsam_pl.experiments.plan import EVERY, SCORE_VERBS, Plan, Stage
from goodsam_pl.files.overrides import mapped_texts, overridden
from goodsam_pl.files.presets import read_preset
from goodsam_pl.files.section import Section, refuse_other_keys

__all__ = ["OUT", "Job", "Run", "in_order", "plan_runs"]

Tree = dict[str, Any]

OUT = "<out>"
"""Stands for a job's own folder, which its hash must not depend on."""


@dataclass(frozen=True, eq=False)
class Job:
    """One call of ``goodsam``."""

    name: str  # of the stage, and what is done with it
    verb: str
    settings: Tree  # configuration or options; folders are marks there, the own one OUT
    needs: tuple[Job, ...] = ()  # their folders are named
    checkpoint: Job | None = None  # the training that is scored
    scored: str = "last"  # of a training: the checkpoint that its score is of

    @cached_property
    def key(self) -> str:
        """SHA-256 of the version, the verb, the settings and, by their keys, of all inputs."""
        identity = {
            "version": goodsam_pl.__version__,
            "verb": self.verb,
            "settings": self.settings,
            "checkpoint": self.checkpoint and self.checkpoint.key,
        }
        if self.checkpoint and self.checkpoint.scored != "last":  # usual scores keep their keys
            identity["scored"] = self.checkpoint.scored
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

    @property
    def has_config(self) -> bool:
        """Whether the settings are a configuration, and not options."""
        return self.verb in ("fit", *SCORE_VERBS.values())

    def folder(self, out: Path) -> Path:
        """Where its files are."""
        return out / "stages" / f"{self.name}-{self.key[:12]}"

    def placed(self, out: Path) -> Tree:
        """The settings, with the folders of an output folder."""
        folders = {OUT: self.folder(out)} | {each.mark: each.folder(out) for each in self.inputs}

        def place(text: str) -> str:
            for mark, folder in folders.items():
                text = text.replace(mark, str(folder))
            return text

        return dict(mapped_texts(self.settings, place))


@dataclass(frozen=True, eq=False)
class Run:
    """One variation with one seed."""

    preset: str
    variation: str
    seed: int
    scores: dict[str, tuple[Job, str]]  # by name: what writes the table of classes, and the column

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.preset} / {self.variation} / seed {self.seed}"

    @cached_property
    def jobs(self) -> list[Job]:
        """All that has to be done, in order."""
        return in_order(job for job, _ in self.scores.values())


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """These jobs and all that they need, each once, none before its inputs."""
    return [*dict.fromkeys(each for job in jobs for each in (*in_order(job.inputs), job))]


def plan_runs(plan: Plan) -> list[Run]:
    """All runs of a plan, seed by seed, so that a table of one seed is complete early.

    Raises:
        FileNotFoundError: a configuration is missing.
        ValueError: an override cannot be, or a stage needs what is not made.
    """
    jobs: dict[str, Job] = {}
    return [
        _Making(plan, seed, jobs).run(preset, variation)
        for seed in plan.seeds
        for preset in plan.presets
        for variation in plan.presets[preset].rows
    ]


@dataclass
class _Making:
    """A run whose stages become jobs, one after the other."""

    plan: Plan
    seed: int
    jobs: dict[str, Job]  # of all runs, by key: what does the same has the name of the first
    made: dict[str, Job | None] = field(default_factory=dict)  # by stage, None if not trained
    paths: dict[str, str] = field(default_factory=dict)  # of presets, and the stage that each means
    where: str = ""  # for errors

    def run(self, preset: str, name: str) -> Run:
        """Make the jobs of a variation."""
        variation, scored = self.plan.presets[preset].rows[name], {}
        verb = SCORE_VERBS[self.plan.split]
        for key, stage in self.plan.stages(preset).items():
            self.where = f"{self.plan.path}: {preset} / {name} / {key}"
            every = {} if key in self.plan.shared else variation.overrides.get(EVERY, {})
            own = variation.overrides.get(key, {})
            if stage.command:
                path, options = stage.stands_for, self._filled(stage.options | own)
                self.made[key] = self._job(key, stage.command, options)
            else:
                path, tree = self._configured(stage, every, own)
                trained = stage.trained and key not in variation.untrained
                fit = self._job(f"{key}-fit", "fit", tree, scored=stage.scored) if trained else None
                self.made[key] = fit
                tree = overridden(tree, {"trainer.limit_val_batches": None})  # a score is of all
                scored[key] = self._job(f"{key}-{verb}", verb, tree, fit)
            if path:
                self.paths[path] = key
        found = self.plan.score_sources(preset)
        scores = {score: (scored[stage], column) for score, (stage, column) in found.items()}
        return Run(preset, name, self.seed, scores)

    def _job(
        self,
        name: str,
        verb: str,
        settings: Tree,
        checkpoint: Job | None = None,
        scored: str = "last",
    ) -> Job:
        made = filter(None, self.made.values())
        needs = dict.fromkeys(each for each in made if each.mark in repr(settings))
        job = Job(name, verb, settings, tuple(needs), checkpoint, scored)
        return self.jobs.setdefault(job.key, job)

    def _configured(self, stage: Stage, *variation: Tree) -> tuple[str, Tree]:
        """The path that a preset has for its folder, and the configuration without such paths."""
        file = self.plan.path.parent / str(stage.config)
        tree = read_preset(file)
        refuse_other_keys(tree, str(file))
        trainer = Section(tree, str(file)).need("trainer", dict)
        root = Section(trainer, f"{file}.trainer").need("default_root_dir", str)
        for each in (self.plan.overrides, stage.overrides, *variation):
            filled = self._filled(each)
            try:
                tree = overridden(tree, filled)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{self.where}: of {file}: {error}") from error
        if stage.per_seed:
            tree["seed_everything"] = self.seed
        return root, self._moved(tree, root)

    def _filled(self, tree: Tree) -> Tree:
        """A plan's values with placeholders replaced."""

        def fill(text: str) -> str | int:
            filled = re.sub(r"\{(\w+)\}", lambda found: self._meaning(found[1]), text)
            return self.seed if text == "{seed}" else filled

        return dict(mapped_texts(tree, fill))

    def _moved(self, tree: Tree, own: str) -> Tree:
        """A configuration with the paths of stages replaced, longer ones before their parents."""
        stages = self.paths | {own: "out"}

        def move(text: str) -> str:
            for path in sorted(stages, key=len, reverse=True):
                if text == path or text.startswith(f"{path}/"):
                    return self._meaning(stages[path]) + text[len(path) :]
            return text

        return dict(mapped_texts(tree, move))

    def _meaning(self, name: str) -> str:
        """What stands for a folder, or the seed."""
        known = {"seed": str(self.seed), "out": OUT}
        known |= {stage: job.mark for stage, job in self.made.items() if job}
        if name in known:
            return known[name]
        if name in self.made:
            raise ValueError(
                f"{self.where} needs the weights of {name!r}, which is not trained here: override "
                "the key with weights that there are"
            )
        raise ValueError(f"{self.where}: {{{name}}} is none of {{{'}, {'.join(known)}}}")
