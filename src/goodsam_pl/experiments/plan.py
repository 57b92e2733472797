"""The plan of an experiment: which variations of which presets, over which seeds.

The dataclasses are the form of the file: their fields are its keys. ``docs/ablation.md`` shows one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goodsam_pl.files.presets import read_preset
from goodsam_pl.files.section import Section

__all__ = ["EVERY", "FULL", "SCORES", "SCORE_VERBS", "Plan", "Stage", "check_names", "read_plan"]

FULL = "full"  # the variation that is the preset as it stands
EVERY = "*"  # in overrides: all stages of the preset that have a configuration

SCORES = {
    "student": "distillation.iou",
    "fused": "rectification.iou_fused",
    "ta": "rectification.iou",
    "source_only": "source_only.iou_whole",
}
"""What is compared, in the order of the columns: usual stage, and column of its table's means."""

SCORE_VERBS = {"test": "test", "val": "validate"}  # by split

CHECKPOINTS = ("last", "best")  # names that RunCheckpoint gives


@dataclass(frozen=True)
class Stage:
    """A training with its score, or a call of another verb such as ``goodsam streetworld``."""

    config: str | None = None  # preset of a training, from the plan's folder
    overrides: dict[str, Any] = field(default_factory=dict)  # by dotted key
    per_seed: bool = True  # or trained once, with the preset's own seed
    trained: bool = True  # or only scored, with the weights that the preset names
    scored: str = "last"  # or "best": the checkpoint that is scored, best.ckpt of the preset
    command: str | None = None  # in the place of a preset: the verb, one or two words
    options: dict[str, Any] = field(default_factory=dict)  # of the verb, as --key=value
    stands_for: str | None = None  # the path that presets have for the folder of the verb

    def __post_init__(self) -> None:
        """Refuse keys of both kinds, or of none."""
        check_names([self.scored], CHECKPOINTS, "scored")
        chosen = self.scored != "last" or not self.per_seed or not self.trained
        training = self.config or self.overrides or chosen
        calling = self.command or self.options or self.stands_for
        if bool(training) == bool(calling) or not (self.config or self.command):
            raise ValueError(
                "give either the key 'config', with overrides, per_seed, trained and scored, or "
                "the key 'command', with options and stands_for"
            )


@dataclass(frozen=True)
class Variation:
    """What is left out of a preset, or put in: one row of the table."""

    note: str  # one sentence: why
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)  # by stage, or EVERY
    untrained: list[str] = field(default_factory=list)  # stages that are scored as they start
    at: float | None = None  # place on the curve's axis


@dataclass(frozen=True)
class Preset:
    """A system and its variations: a group of rows."""

    stages: dict[str, Stage] = field(default_factory=dict)  # in order, after the shared ones
    note: str = "The preset as it stands."
    scores: dict[str, str] = field(default_factory=dict)  # in place of SCORES; "" where none is
    variations: dict[str, Variation] = field(default_factory=dict)
    at: float | None = None

    @property
    def rows(self) -> dict[str, Variation]:
        """All variations; :data:`FULL` is the first."""
        return {FULL: Variation(self.note, at=self.at), **self.variations}


@dataclass(frozen=True)
class Curve:
    """A plot of scores over the variations' ``at``."""

    name: str  # of the file, without suffix
    label: str  # of the axis


@dataclass(frozen=True)
class Plan:
    """All that is to be run."""

    path: Path
    title: str
    presets: dict[str, Preset]
    shared: dict[str, Stage] = field(default_factory=dict)  # first stages, the same for all presets
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    split: str = "test"  # or val, to choose between variations
    overrides: dict[str, Any] = field(default_factory=dict)  # of every stage with a preset
    curve: Curve | None = None

    def __post_init__(self) -> None:
        """Refuse names that stand for nothing, or for two things."""
        if {*map(type, self.seeds)} != {int} or len({*self.seeds}) < len(self.seeds):
            raise ValueError(f"seeds: expected different whole numbers, found {self.seeds}")
        check_names([self.split], [*SCORE_VERBS], "split")
        if not self.presets:
            raise ValueError("presets: name at least one")
        for name, preset in self.presets.items():
            self._check_stages(name)
            check_names(preset.scores, [*SCORES], f"presets.{name}.scores")
            if not self.score_sources(name):
                raise ValueError(f"presets.{name}.scores: name one of {', '.join(SCORES)}")
            if FULL in preset.variations:
                raise ValueError(f"presets.{name}.variations: {FULL!r} is the preset as it stands")
            if self.curve and any(row.at is None for row in preset.rows.values()):
                raise ValueError(f"presets.{name}: a curve needs 'at' here and in all variations")
            for key, row in preset.variations.items():
                where = f"presets.{name}.variations.{key}"
                check_names(row.overrides, [*self.stages(name), EVERY], f"{where}.overrides")
                check_names(row.untrained, self.trainings(name), f"{where}.untrained")

    def stages(self, preset: str) -> dict[str, Stage]:
        """All that a variation of a preset goes through, in order."""
        return self.shared | self.presets[preset].stages

    def trainings(self, preset: str) -> list[str]:
        """Names of the stages that train, or only score."""
        return [name for name, stage in self.stages(preset).items() if stage.config]

    def score_sources(self, preset: str) -> dict[str, tuple[str, str]]:
        """Stage and column of each of :data:`SCORES` that a preset has.

        Raises:
            ValueError: a score is of no stage that trains.
        """
        trainings, given = self.trainings(preset), self.presets[preset].scores
        sources = {}
        for name, usual in SCORES.items():
            stage, _, column = given.get(name, usual).partition(".")
            if column and stage in trainings:
                sources[name] = (stage, column)
            elif given.get(name):
                raise ValueError(
                    f"presets.{preset}.scores.{name}: expected STAGE.COLUMN such as {usual}, with "
                    f"a stage of {', '.join(trainings)}"
                )
        return sources

    def _check_stages(self, preset: str) -> None:
        if twice := self.shared.keys() & self.presets[preset].stages.keys():
            raise ValueError(f"presets.{preset}.stages: {min(twice)!r} is a shared stage, too")
        for name, stage in self.stages(preset).items():
            if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in ("seed", "out"):
                raise ValueError(
                    f"{name!r}: a stage is named by letters, digits and _, and not seed or out"
                )
            if stage.config and not (file := self.path.parent / stage.config).is_file():
                raise FileNotFoundError(f"{self.path}: {name}.config: there is no file {file}")


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        FileNotFoundError: the file, or a configuration that it names, is missing.
        ValueError: a key is missing, unknown or of the wrong kind, or a name is.
    """
    return Section(read_preset(path), str(path)).read(Plan, path=path)


def check_names(given: Iterable[object], known: Sequence[object], where: str) -> None:
    """Refuse, by a ``ValueError``, what is not known."""
    for each in given:
        if each not in known:
            raise ValueError(f"{where}: {each!r} is none of {', '.join(map(str, known))}")
