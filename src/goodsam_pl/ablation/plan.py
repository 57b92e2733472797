"""The plan of an ablation: which variations of which presets, over which seeds.

A plan is a YAML file; ``docs/ablation.md`` tells its keys, which are the attributes of the classes
below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "EVERY",
    "FULL",
    "SCORES",
    "SCORE_VERBS",
    "CommandStage",
    "Curve",
    "Plan",
    "Preset",
    "ScoreSource",
    "Stage",
    "TrainingStage",
    "Variation",
    "slug",
]

FULL = "full"
"""Name of the variation that is the preset as it stands."""

EVERY = "*"
"""In ``overrides``: all stages of the preset that have a configuration."""

SCORES = ("student", "fused", "ta", "source_only")
"""What is compared, in the order of the columns."""

SCORE_VERBS = {"test": "test", "val": "validate"}
"""The verb that scores on each split that a plan may name."""


@dataclass(frozen=True)
class CommandStage:
    """A stage that calls another verb, such as ``goodsam streetworld``.

    Attributes:
        name: other stages write ``{name}`` for its folder.
        command: the verb, one or two words.
        options: passed as ``--key=value``; ``{out}`` is the stage's folder.
        stands_for: the path that presets have for this folder, if they name one.
    """

    name: str
    command: str
    options: dict[str, Any]
    stands_for: str | None = None


@dataclass(frozen=True)
class TrainingStage:
    """A stage that trains and scores a LightningModule.

    Attributes:
        name: other stages write ``{name}`` for its folder; the path that presets have for it is
            their ``trainer.default_root_dir``.
        config: the preset's file.
        overrides: see :func:`goodsam_pl.files.overrides.overridden`.
        per_seed: train once for each seed; ``False`` keeps to the configuration's own seed.
        trained: ``False`` only scores it, with the weights that the configuration names.
    """

    name: str
    config: Path
    overrides: dict[str, Any]
    per_seed: bool = True
    trained: bool = True


Stage = CommandStage | TrainingStage


class ScoreSource(NamedTuple):
    """Where a score is found: the row of means in the table of classes of a stage.

    Attributes:
        stage: its name.
        column: ``iou``, ``iou_whole``, ``iou_fused``, …
    """

    stage: str
    column: str


@dataclass(frozen=True)
class Variation:
    """What is left out of a preset, or put in.

    Attributes:
        name: one row of the table.
        note: one sentence: why.
        overrides: by name of the stage, ``*`` for all of the preset.
        untrained: stages that are scored as they start, and not trained.
        at: its place on the curve's axis.
    """

    name: str
    note: str
    overrides: dict[str, dict[str, Any]]
    untrained: tuple[str, ...] = ()
    at: float | None = None


@dataclass(frozen=True)
class Preset:
    """A system and its variations.

    Attributes:
        name: of the group of rows.
        note: one sentence.
        shared: stages that come first, the same for all presets and variations.
        stages: its own, in order.
        scores: where to find each of :data:`SCORES`; absent where there is none.
        variations: the first is :data:`FULL`.
    """

    name: str
    note: str
    shared: tuple[Stage, ...]
    stages: tuple[Stage, ...]
    scores: dict[str, ScoreSource]
    variations: tuple[Variation, ...]


class Curve(NamedTuple):
    """A plot of scores over the variations' places on an axis.

    Attributes:
        name: of the file, without suffix.
        label: of the axis.
    """

    name: str
    label: str


@dataclass(frozen=True)
class Plan:
    """All that is to be run.

    Attributes:
        path: the file.
        title: headline of the table.
        seeds: each variation is run with each of them.
        split: ``test``, or ``val`` to choose between variations.
        overrides: of every stage with a configuration.
        presets: groups of rows.
        curve: the plot, if one is asked for.
    """

    path: Path
    title: str
    seeds: tuple[int, ...]
    split: str
    overrides: dict[str, Any]
    presets: tuple[Preset, ...]
    curve: Curve | None

    @property
    def score_verb(self) -> str:
        """The verb that scores on :attr:`split`."""
        return SCORE_VERBS[self.split]


def slug(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^\w.+-]+", "_", name)
