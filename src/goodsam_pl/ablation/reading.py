"""Reading the plan of an ablation, and saying which key of it is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from goodsam_pl.ablation.plan import (
    EVERY,
    FULL,
    SCORE_VERBS,
    SCORES,
    CommandStage,
    Curve,
    Plan,
    Preset,
    ScoreSource,
    Stage,
    TrainingStage,
    Variation,
    slug,
)
from goodsam_pl.files.section import Section, read_mapping

__all__ = ["read_plan"]

_DEFAULT_SCORES = {
    "student": "distillation.iou",
    "fused": "rectification.iou_fused",
    "ta": "rectification.iou",
    "source_only": "source_only.iou_whole",
}
_RESERVED = ("seed", "out")


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
    if split not in SCORE_VERBS:
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
