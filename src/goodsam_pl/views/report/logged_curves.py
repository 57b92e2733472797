"""The curves of a training, from whatever its loggers left in the run's folder."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from goodsam_pl.files import read_regular
from goodsam_pl.views.report.wandb_history import wandb_history

__all__ = ["Curve", "read_curves"]

Curve = tuple[tuple[int, float], ...]
"""Optimiser steps done, as they were logged, and values."""

_TRAINING = "train/"
_STEPS = ("trainer/global_step", "step")
_ABOUT_TIME = ("epoch", "_step", "_timestamp", "_runtime")


def read_curves(folder: Path) -> dict[str, Curve]:
    """What trainings logged there, by name; values that are no finite number are left out.

    Of Weights & Biases' own files, offline or not, and of the tables of Lightning's CSVLogger.
    Where a training went on, or was done again, the later file counts from its first step on. Files
    of ``validate``, ``test`` and ``predict`` have no curves.

    Args:
        folder: of the run.

    Raises:
        ValueError: a file is damaged.
    """
    tables = (_csv_rows(path) for path in sorted(folder.rglob("metrics.csv")))
    logs = (wandb_history(path) for path in sorted(folder.glob("wandb/*run-*/run-*.wandb")))
    return _joined(tables) | _joined(logs)


def _joined(files: Iterable[Iterable[Mapping[str, float]]]) -> dict[str, Curve]:
    curves: dict[str, dict[int, float]] = {}
    for rows in files:
        found = _of_file(rows)
        if not any(name.startswith(_TRAINING) for name in found):
            continue
        first = min(step for points in found.values() for step in points)
        for points in curves.values():
            for step in [step for step in points if step >= first]:
                del points[step]
        for name, points in found.items():
            curves.setdefault(name, {}).update(points)
    return {name: tuple(sorted(points.items())) for name, points in curves.items() if points}


def _of_file(rows: Iterable[Mapping[str, float]]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        step = next((row[name] for name in _STEPS if name in row), None)
        if step is None:
            continue
        for name, value in row.items():
            if name not in {*_STEPS, *_ABOUT_TIME} and math.isfinite(value):
                found.setdefault(name, {})[int(step)] = value
    return found


def _csv_rows(path: Path) -> list[dict[str, float]]:
    try:
        lines = read_regular(path).decode("utf-8").splitlines()
        return [
            {name: float(value) for name, value in row.items() if name and value}
            for row in csv.DictReader(lines)
        ]
    except (ValueError, TypeError, csv.Error) as error:
        raise ValueError(
            f"{path} is damaged ({error}): remove it, the scores of the run stay"
        ) from error
