"""What a report shows of the folder of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from goodsam_pl.views.report.class_scores import SPLITS, ClassScores, read_class_scores
from goodsam_pl.views.report.logged_curves import Curve, read_curves

__all__ = ["RunResults", "is_run", "read_run"]

_SIGNS = ("config.yaml", "wandb", "metrics.csv", *(f"{split}_classes.csv" for split in SPLITS))


@dataclass(frozen=True)
class RunResults:
    """The scores and curves of a run.

    Attributes:
        name: how the report calls it.
        scores: of each split that was scored.
        curves: by the name that was logged.
    """

    name: str
    scores: tuple[ClassScores, ...]
    curves: Mapping[str, Curve]


def is_run(folder: Path) -> bool:
    """Whether something there says that a run has kept its files in this folder."""
    return any((folder / sign).exists() for sign in _SIGNS)


def read_run(folder: Path, name: str) -> RunResults:
    """Read all that is there; it may be nothing.

    Raises:
        ValueError: a file is damaged.
    """
    return RunResults(name, tuple(read_class_scores(folder)), read_curves(folder))
