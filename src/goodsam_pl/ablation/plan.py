"""The plan of an ablation: which variations of which presets, over which seeds.

A plan is a YAML file; ``docs/ablation.md`` tells its keys, which are the attributes of the classes
below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from goodsam_pl.ablation.section import Section, read_mapping

__all__ = [
    "EVERY",
    "FULL",
    "SCORES",
    "CommandStage",
    "Curve",
    "Plan",
    "Preset",
    "ScoreSource",
    "Stage",
    "TrainingStage",
    "Variation",
    "read_plan",
    "slug",
]

FULL = "full"
"""Name of the variation that is the preset as it stands."""

EVERY = "*"
"""In ``overrides``: all stages of the preset that have a configuration."""

SCORES = ("student", "fused", "ta", "source_only")
"""What is compared, in the order of the columns."""

_DEFAULT_SCORES = {
    "student": "distillation.iou",
    "fused": "rectification.iou_fused",
    "ta": "rectification.iou",
    "source_only": "source_only.iou_whole",
}
_VERBS = {"test": "test", "val": "validate"}
_RESERVED = ("seed", "out")


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
        overrides: see :func:`goodsam_pl.ablation.overrides.overridden`.
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
        return _VERBS[self.split]


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        FileNotFoundError: the file, or a configuration that it names, is missing.
        ValueError: a key is missing, unknown or of the wrong kind, or a name is.
    """
    top = Section(read_mapping(path), str(path))
    title = top.need("title", str)
    seeds = _seeds(top)
    split = top.take("split", str, "test")
    if split not in _VERBS:
        raise ValueError(f"{path}.split: expected test or val, found {split!r}")
    overrides = top.take("overrides", dict, {})
    shared = _stages(top, "shared", path.parent)
    presets = tuple(
        _preset(name, each, shared, path.parent) for name, each in top.sections("presets").items()
    )
    if not presets:
        raise ValueError(f"{path}: the key 'presets' is missing: name at least one")
    curve = _curve(top)
    top.end()
    if curve and any(each.at is None for preset in presets for each in preset.variations):
        raise ValueError(f"{path}: with a curve every preset and variation needs the key 'at'")
    return Plan(path, title, seeds, split, overrides, presets, curve)


def _seeds(top: Section) -> tuple[int, ...]:
    seeds = top.take("seeds", list, [0, 1, 2])
    whole = all(isinstance(seed, int) and not isinstance(seed, bool) for seed in seeds)
    if not seeds or not whole or len(set(seeds)) < len(seeds):
        raise ValueError(f"{top.where}.seeds: expected different whole numbers, found {seeds}")
    return tuple(seeds)


def _stages(section: Section, key: str, folder: Path) -> tuple[Stage, ...]:
    return tuple(_stage(name, each, folder) for name, each in section.sections(key).items())


def _stage(name: str, section: Section, folder: Path) -> Stage:
    if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in _RESERVED:
        raise ValueError(
            f"{section.where}: a stage is named by letters, digits and _, and not seed or out"
        )
    command, config = section.find("command", str), section.find("config", str)
    if (command is None) == (config is None):
        raise ValueError(f"{section.where}: give either the key 'config' or the key 'command'")
    stage: Stage
    if command is not None:
        options, stands_for = section.take("options", dict, {}), section.find("stands_for", str)
        stage = CommandStage(name, command, options, stands_for)
    else:
        file = folder / str(config)
        if not file.is_file():
            raise FileNotFoundError(f"{section.where}.config: there is no file {file}")
        overrides = section.take("overrides", dict, {})
        per_seed = section.take("per_seed", bool, True)
        trained = section.take("trained", bool, True)
        stage = TrainingStage(name, file, overrides, per_seed, trained)
    section.end()
    return stage


def _preset(name: str, section: Section, shared: tuple[Stage, ...], folder: Path) -> Preset:
    note = section.take("note", str, "The preset as it stands.")
    own = _stages(section, "stages", folder)
    stages = (*shared, *own)
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise ValueError(f"{section.where}.stages: a name stands for two stages of {names}")
    trainings = [stage.name for stage in stages if isinstance(stage, TrainingStage)]
    scores = dict(_scores(section, trainings))
    if not scores:
        raise ValueError(f"{section.where}.scores: say where to find {', '.join(SCORES)}")
    full = Variation(FULL, note, {}, (), section.find("at", float))
    others = section.sections("variations")
    variations = tuple(_variation(key, each, stages) for key, each in others.items())
    section.end()
    slugs = [slug(each.name) for each in (full, *variations)]
    if len({*slugs}) < len(slugs):
        raise ValueError(
            f"{section.where}.variations: names must differ in more than signs, and {FULL!r} is "
            "the preset as it stands"
        )
    return Preset(name, note, shared, own, scores, (full, *variations))


def _scores(section: Section, stages: list[str]) -> Iterator[tuple[str, ScoreSource]]:
    given = Section(section.take("scores", dict, {}), f"{section.where}.scores")
    for name in SCORES:
        default = _DEFAULT_SCORES[name]
        usual = default if default.split(".")[0] in stages else ""
        stage, _, column = given.take(name, str, usual).partition(".")
        if column and stage in stages:
            yield name, ScoreSource(stage, column)
        elif stage:
            raise ValueError(
                f"{given.where}.{name}: expected STAGE.COLUMN such as {default}, with a stage of "
                f"{', '.join(stages)}"
            )
    given.end()


def _variation(name: str, section: Section, stages: tuple[Stage, ...]) -> Variation:
    note = section.need("note", str)
    at = section.find("at", float)
    overrides = {
        key: dict(Section(each, f"{section.where}.overrides.{key}").tree)
        for key, each in section.take("overrides", dict, {}).items()
    }
    untrained = tuple(section.take("untrained", list, []))
    section.end()
    _check_names(section, stages, overrides, untrained)
    return Variation(name, note, overrides, untrained, at)


def _check_names(
    section: Section,
    stages: tuple[Stage, ...],
    overrides: Mapping[str, object],
    untrained: tuple[str, ...],
) -> None:
    names = [stage.name for stage in stages]
    for key in overrides:
        if key not in (*names, EVERY):
            raise ValueError(f"{section.where}.overrides: {key!r} is none of {', '.join(names)}")
    for key in untrained:
        if key not in [stage.name for stage in stages if isinstance(stage, TrainingStage)]:
            raise ValueError(f"{section.where}.untrained: there is no training {key!r}")


def _curve(top: Section) -> Curve | None:
    tree = top.find("curve", dict)
    if tree is None:
        return None
    section = Section(tree, f"{top.where}.curve")
    curve = Curve(section.need("name", str), section.need("label", str))
    section.end()
    return curve


def slug(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^\w.+-]+", "_", name)
