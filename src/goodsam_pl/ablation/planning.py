"""From a plan to jobs: every variation and seed is a run, runs share what is the same for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from goodsam_pl.ablation.jobs import OUT, Job, in_order
from goodsam_pl.ablation.plan import (
    EVERY,
    CommandStage,
    Plan,
    Preset,
    TrainingStage,
    Variation,
    slug,
)
from goodsam_pl.files.overrides import mapped_texts, overridden
from goodsam_pl.files.presets import read_preset

__all__ = ["JobScore", "Run", "plan_runs"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class JobScore(NamedTuple):
    """A number to be read.

    Attributes:
        job: writes a table of classes.
        column: of its row of means.
    """

    job: Job
    column: str


@dataclass(frozen=True)
class Run:
    """One variation with one seed.

    Attributes:
        preset: its name.
        variation: its name.
        seed: of all random numbers.
        scores: by name; the jobs behind them are the run.
    """

    preset: str
    variation: str
    seed: int
    scores: dict[str, JobScore]

    @property
    def jobs(self) -> list[Job]:
        """All that has to be done, in order."""
        return in_order(score.job for score in self.scores.values())

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.preset} / {self.variation} / seed {self.seed}"

    def folder(self, out: Path) -> Path:
        """Where its result is."""
        return out / "runs" / slug(self.preset) / slug(self.variation) / f"seed_{self.seed}"


def plan_runs(plan: Plan) -> list[Run]:
    """All runs of a plan, seed by seed, so that a table of one seed is complete early.

    Stages that do the same are one job, which has the name of the first.

    Raises:
        FileNotFoundError: a configuration is missing.
        ValueError: an override cannot be, or a stage needs what is not made.
    """
    jobs: dict[str, Job] = {}
    return [
        _run(plan, preset, variation, seed, jobs)
        for seed in plan.seeds
        for preset in plan.presets
        for variation in preset.variations
    ]


@dataclass
class _Made:
    """What the stages of a run have made so far.

    Attributes:
        seed: of the run.
        jobs: of all runs so far, by key.
        folders: by stage; ``None`` for one that is not trained.
        paths: the stage that a path of the presets stands for.
    """

    seed: int
    jobs: dict[str, Job]
    folders: dict[str, Job | None] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def job(
        self, name: str, verb: str, settings: dict[str, Any], checkpoint: Job | None = None
    ) -> Job:
        """A job, or the one that does the same under another name: its files are found there."""
        job = Job(name, verb, settings, self.needed(settings), checkpoint)
        return self.jobs.setdefault(job.key, job)

    def filled(self, tree: Mapping[str, Any], where: str) -> dict[str, Any]:
        """A plan's values with placeholders replaced."""

        def fill(text: str) -> str | int:
            if text == "{seed}":
                return self.seed
            return _PLACEHOLDER.sub(lambda found: self._placeholder(found[1], where), text)

        filled: dict[str, Any] = mapped_texts(tree, fill)
        return filled

    def moved(self, tree: Mapping[str, Any], own: str, where: str) -> dict[str, Any]:
        """A configuration with the paths of stages replaced, longer ones before their parents."""
        paths = sorted((*self.paths, own), key=len, reverse=True)

        def move(text: str) -> str:
            for path in paths:
                if text == path or text.startswith(f"{path}/"):
                    mark = OUT if path == own else self._mark(self.paths[path], where)
                    return mark + text[len(path) :]
            return text

        moved: dict[str, Any] = mapped_texts(tree, move)
        return moved

    def needed(self, tree: Any) -> tuple[Job, ...]:
        """The jobs whose folders are named in a tree."""
        text = repr(tree)
        jobs = {job.key: job for job in self.folders.values() if job and job.mark in text}
        return tuple(jobs.values())

    def _placeholder(self, name: str, where: str) -> str:
        known = {"seed": str(self.seed), "out": OUT}
        if name not in known and name not in self.folders:
            names = ", ".join(f"{{{each}}}" for each in (*known, *self.folders))
            raise ValueError(f"{where}: {{{name}}} is none of {names}")
        return known[name] if name in known else self._mark(name, where)

    def _mark(self, name: str, where: str) -> str:
        job = self.folders[name]
        if job is None:
            raise ValueError(
                f"{where} needs the weights of {name!r}, which is not trained here: override the "
                "key with weights that there are"
            )
        return job.mark


def _run(plan: Plan, preset: Preset, variation: Variation, seed: int, jobs: dict[str, Job]) -> Run:
    made = _Made(seed, jobs)
    scored: dict[str, Job] = {}
    for stage in (*preset.shared, *preset.stages):
        where = f"{plan.path}: {preset.name} / {variation.name} / {stage.name}"
        own = variation.overrides.get(stage.name, {})
        if isinstance(stage, CommandStage):
            made.folders[stage.name] = _command(made, stage, own, where)
            path = stage.stands_for
        else:
            every = variation.overrides.get(EVERY, {}) if stage in preset.stages else {}
            root, tree = _configured(
                made, stage, (plan.overrides, stage.overrides, every, own), where
            )
            trained = stage.trained and stage.name not in variation.untrained
            fit = made.job(f"{stage.name}-fit", "fit", tree) if trained else None
            name = f"{stage.name}-{plan.score_verb}"
            scored[stage.name] = made.job(name, plan.score_verb, tree, fit)
            made.folders[stage.name], path = fit, root
        if path:
            made.paths[path] = stage.name
    scores = {name: JobScore(scored[s.stage], s.column) for name, s in preset.scores.items()}
    return Run(preset.name, variation.name, seed, scores)


def _command(made: _Made, stage: CommandStage, overrides: Mapping[str, Any], where: str) -> Job:
    options = made.filled({**stage.options, **overrides}, where)
    return made.job(stage.name, stage.command, options)


def _configured(
    made: _Made, stage: TrainingStage, overrides: Sequence[Mapping[str, Any]], where: str
) -> tuple[str, dict[str, Any]]:
    """The path that the preset has for its own folder, and the configuration without such paths."""
    tree = read_preset(stage.config)
    _refuse_other_keys(tree, str(stage.config))
    trainer = tree.get("trainer")
    root = str((trainer if isinstance(trainer, dict) else {}).get("default_root_dir") or "")
    if not root:
        raise ValueError(
            f"{stage.config}: the key trainer.default_root_dir is missing; every run gets its own "
            "folder in the place of that one"
        )
    for each in overrides:
        filled = made.filled(each, where)
        try:
            tree = overridden(tree, filled)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: of {stage.config}: {error}") from error
    if stage.per_seed:
        tree["seed_everything"] = made.seed
    return root, made.moved(tree, root, where)


def _refuse_other_keys(tree: Any, where: str) -> None:
    """Refuse keys that are no texts: no option is called by a number or by nothing."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if not isinstance(key, str):
                raise ValueError(f"{where}: the key {key!r} is no name")  # noqa: TRY004  # of a file
            _refuse_other_keys(value, f"{where}.{key}")
    elif isinstance(tree, list):
        for value in tree:
            _refuse_other_keys(value, where)
