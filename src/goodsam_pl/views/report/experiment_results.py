"""The table of an experiment: ``ablation.json`` of ``goodsam ablate``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from goodsam_pl.files import read_regular

__all__ = ["EXPERIMENT", "ExperimentResults", "Variation", "read_experiment"]

EXPERIMENT = "ablation.json"
"""The file that holds it."""


@dataclass(frozen=True)
class Variation:
    """A row of the table.

    Attributes:
        preset: what was varied.
        name: of the variation.
        miou: by the name of a score, mIoU in percent of each seed that is done.
    """

    preset: str
    name: str
    miou: Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class ExperimentResults:
    """All rows.

    Attributes:
        name: how the report calls it.
        variations: in the order of the plan.
    """

    name: str
    variations: tuple[Variation, ...]


def read_experiment(folder: Path, name: str) -> ExperimentResults:
    """Read the table of a folder.

    Raises:
        ValueError: it is damaged.
    """
    path = folder / EXPERIMENT
    found: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    try:
        for title, about in json.loads(read_regular(path)).items():
            *row, seed = _parts(title)
            scores = found.setdefault((row[0], row[1]), {})
            for score, value in about["miou"].items():
                scores.setdefault(score, {})[int(seed)] = float(value)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged ({error}): run `goodsam ablate` again, which writes it anew"
        ) from error
    return ExperimentResults(name, tuple(Variation(*row, miou) for row, miou in found.items()))


def _parts(title: str) -> tuple[str, str, str]:
    """Preset, variation and seed of a run's title; a variation may have slashes of its own."""
    preset, _, rest = title.partition(" / ")
    variation, separator, seed = rest.rpartition(" / seed ")
    if not separator:
        raise ValueError(f"{title!r} is not preset / variation / seed")
    return preset, variation, seed
