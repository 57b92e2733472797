"""Scores of sequences of domains, as mean and spread over seeds: a row a method.

    python scripts/sequence_means.py moda=runs/continual/moda,runs/continual/moda_1

A run that has not ended, or was never begun, is left out and named. The spread is the standard
deviation of the runs that are there; of one run there is none.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from goodsam_pl.metrics import TaskMatrix
from goodsam_pl.views.matrix_table import matrix_from_csv

SCORES = {"last": "Last", "avg": "Avg", "forgetting": "forgetting", "ft": "FT"}


def main() -> None:
    """Print the table, and what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("methods", nargs="+", metavar="METHOD=FOLDER,FOLDER", type=method_of)
    parser.add_argument("--measure", choices=("iou", "boundary_iou"), default="iou")
    arguments = parser.parse_args()
    missing: list[Path] = []
    rows = []
    for name, folders in arguments.methods:
        ended = []
        for folder in folders:
            matrix = matrix_of(folder, arguments.measure)
            if matrix is None:
                missing.append(folder)
            else:
                ended.append((matrix, share_routed(folder)))
        if ended:
            rows.append([name, str(len(ended)), *scores_of(ended)])
    head = ["method", "seeds", *SCORES.values(), "last outside", "own domain"]
    for line in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(line)} |")
    for folder in missing:
        print(f"{folder} has no sequence that ended: train it, or go on with it by --ckpt_path")


def method_of(text: str) -> tuple[str, list[Path]]:
    """A name and the folders of its runs.

    Raises:
        argparse.ArgumentTypeError: one of both is missing.
    """
    name, _, folders = text.partition("=")
    if not name or not folders:
        raise argparse.ArgumentTypeError(f"{text}: write METHOD=FOLDER,FOLDER")
    return name, [Path(folder) for folder in folders.split(",")]


def matrix_of(folder: Path, measure: str) -> TaskMatrix | None:
    """The matrix of a run, if its last row is there."""
    path = folder / f"{measure}.csv"
    if not path.is_file():
        return None
    matrix = matrix_from_csv(path.read_text(encoding="utf-8"), path)
    return None if math.isnan(matrix.last()) else matrix


def share_routed(folder: Path) -> float:
    """Share of test images that went to their own domain in the end; NaN where none is chosen."""
    path = folder / "routed.csv"
    if not path.is_file():
        return math.nan
    return matrix_from_csv(path.read_text(encoding="utf-8"), path).last()


def scores_of(runs: Sequence[tuple[TaskMatrix, float]]) -> list[str]:
    """Cells of a row, in percent."""
    columns = [[matrix.summary()[key] for matrix, _ in runs] for key in SCORES]
    columns.append([outside_last(matrix) for matrix, _ in runs])
    columns.append([share for _, share in runs])
    return [spread_of(column) for column in columns]


def outside_last(matrix: TaskMatrix) -> float:
    """Mean over domains outside of the sequence, after the last task; NaN where there is none."""
    own = matrix.values[-1][matrix.tasks :]
    return statistics.fmean(own) if own else math.nan


def spread_of(values: Sequence[float]) -> str:
    """``mean ± deviation`` in percent, with one digit."""
    if any(math.isnan(value) for value in values):
        return "–"
    mean = f"{100 * statistics.fmean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.1f}"


if __name__ == "__main__":
    main()
