"""Means and spreads over seeds, of runs that ended."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from goodsam_pl.metrics import TaskMatrix
from goodsam_pl.views.matrix_table import matrix_csv

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import sequence_means


def save(folder: Path, name: str, rows: list[dict[str, float]]) -> None:
    matrix = TaskMatrix.empty(["rail", "polyp"], ["street"])
    for task, row in enumerate(rows):
        matrix = matrix.with_scores(task, row)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text(matrix_csv(matrix))


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["sequence_means.py", *words])
    sequence_means.main()


def test_it_is_the_mean_and_the_deviation_of_runs_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = {"rail": 0.8, "polyp": 0.1, "street": 0.5}
    for name, last in {"a": 0.6, "b": 0.8}.items():
        ended = {"rail": last - 0.2, "polyp": last + 0.2, "street": last / 2}
        save(tmp_path / name, "iou", [first, ended])
        save(tmp_path / name, "routed", [{"rail": 1.0}, {"rail": 1.0, "polyp": last}])
    save(tmp_path / "half", "iou", [first])
    folders = ",".join(str(tmp_path / name) for name in ("a", "b", "half", "none"))
    run(monkeypatch, f"moda={folders}", f"one={tmp_path / 'a'}")
    lines = capsys.readouterr().out.splitlines()
    # forgetting 0.4 and 0.2; Avg (0.8 + Last) / 2; the deviation of two is their distance / √2
    assert lines[2] == (
        "| moda | 2 | 70.0 ± 14.1 | 75.0 ± 7.1 | 30.0 ± 14.1 | 10.0 ± 0.0 | 35.0 ± 7.1 "
        "| 85.0 ± 7.1 |"
    )
    assert lines[3] == "| one | 1 | 60.0 | 70.0 | 40.0 | 10.0 | 30.0 | 80.0 |"
    assert [line.split(" has ")[0] for line in lines[4:]] == [
        str(tmp_path / "half"),
        str(tmp_path / "none"),
    ]


def test_scores_that_were_not_measured_are_no_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "joint", "iou", [{}, {"rail": 0.5, "polyp": 0.7, "street": 0.25}])
    run(monkeypatch, f"joint={tmp_path / 'joint'}")
    assert capsys.readouterr().out.splitlines()[2] == (
        "| joint | 1 | 60.0 | – | – | – | 25.0 | – |"
    )


def test_a_name_without_folders_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "moda")
    assert "moda: write METHOD=FOLDER,FOLDER" in capsys.readouterr().err
