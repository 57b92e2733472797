"""What an offline run of W&B has for a dashboard: curves, pictures, tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goodsam_pl.views.report.logged_curves import Curve
from goodsam_pl.views.report.wandb_history import wandb_steps

__all__ = ["Logged", "read_logged"]

_STEP = "trainer/global_step"
_OF_WANDB = {"epoch", _STEP, "_step", "_runtime", "_timestamp"}
_IN_CHARTS, _TABLE = "Custom Chart Tables/", "_table"


@dataclass
class Logged:
    """By the names that panels are asked for with.

    Attributes:
        curves: optimiser steps and values.
        pictures: the last row of each, as captions and files.
        tables: the last of each.
        matrices: likewise, the rows behind W&B's own chart of a confusion matrix.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    pictures: dict[str, tuple[tuple[str, Path], ...]] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    matrices: dict[str, Path] = field(default_factory=dict)


def read_logged(folder: Path) -> Logged:
    """What the runs below a folder logged, the later ones in the place of the earlier.

    Args:
        folder: of one run or of several.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: a log is damaged.
    """
    logs = sorted(folder.rglob("*run-*/run-*.wandb"))
    if not logs:
        raise FileNotFoundError(
            f"no run of W&B below {folder}: name the folder of a run that logged to W&B, offline "
            "or not"
        )
    logged = Logged()
    for log in logs:
        _add(logged, log.parent / "files", wandb_steps(log))
    return logged


def _add(logged: Logged, files: Path, steps: Iterable[dict[str, Any]]) -> None:
    curves: dict[str, dict[int, float]] = {}
    for step in steps:
        flat = dict(_flat(step))
        for key, kind in flat.items():
            name = key.removesuffix("/_type")
            if kind == "images/separated":
                captions, paths = flat[f"{name}/captions"], flat[f"{name}/filenames"]
                places = [files / path for path in paths]
                logged.pictures[name] = tuple(zip(captions, places, strict=True))
            elif kind == "table-file":
                path = files / flat[f"{name}/path"]
                if name.startswith(_IN_CHARTS):
                    name = name.removeprefix(_IN_CHARTS).removesuffix(_TABLE)
                    logged.matrices[name] = path
                else:
                    logged.tables[name] = path
        media = {key.removesuffix("/_type") for key in flat if key.endswith("/_type")}
        for key, value in flat.items():
            is_of_media = any(key.startswith(f"{name}/") for name in media)
            if isinstance(value, (int, float)) and key not in _OF_WANDB and not is_of_media:
                curves.setdefault(key, {})[int(flat[_STEP])] = float(value)
    for key, points in curves.items():
        logged.curves[key] = tuple(sorted(points.items()))


def _flat(step: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Newer versions of W&B write the parts of a picture as keys, older ones as one value."""
    for key, value in step.items():
        if isinstance(value, dict):
            yield from ((f"{key}/{name}", part) for name, part in value.items())
        else:
            yield key, value
