"""``goodsam report``, from folders to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "views" / "report"))
from report_folders import experiment, predictions, scored_run, stages

from goodsam_pl.cli import main
from goodsam_pl.cli.reporting import report


def test_everything_becomes_one_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = scored_run(tmp_path / "run")
    predictions(run / "predictions", tmp_path / "a.png")
    folders = [run, experiment(tmp_path / "plan"), stages(tmp_path / "stages")]
    out = tmp_path / "new/report.html"
    main(["report", *map(str, folders), "--out", str(out), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == str(out)
    assert told["bytes"] == out.stat().st_size
    assert (told["runs"], told["experiments"]) == (["run"], ["plan"])
    assert told["panoramas"]["a"] == [
        "Panorama",
        "SAM masks",
        "Teacher assistant",
        "Weights M",
        "Student",
        "Ground truth",
        "run",
    ]
    text = out.read_text("utf-8")
    assert "70.0" in text  # mIoU of the run
    assert "no masks" in text  # a variation


def test_the_answer_for_people_is_a_line(tmp_path: Path) -> None:
    told = report([scored_run(tmp_path / "run")], tmp_path / "r.html", title="Mine")
    assert str(told).startswith(f"{tmp_path / 'r.html'}: 1 runs, 0 experiments, 0 panoramas")
    assert "<title>Mine</title>" in (tmp_path / "r.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["missing"], "missing is no folder"),
        (["empty"], "holds nothing that a report shows"),
        (["begun"], "nothing to show yet"),
        (["stages", "--limit", "0"], "nothing to show yet"),
        (["run", "--out", "page.txt"], "name a file that ends with .html"),
        (["run", "--out", "folder.html"], "name a file that ends with .html"),
        (["run", "--limit", "-1"], "at least 0 panoramas"),
        ([], "report"),
    ],
)
def test_what_cannot_be_is_one_error(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    scored_run(Path("run"))
    stages(Path("stages"))
    for name in ("empty", "folder.html", "begun"):
        Path(name).mkdir()
    Path("begun/config.yaml").write_text("model:\n", "utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["report", *words])
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert not Path("report.html").exists()


def test_a_folder_that_is_only_read_is_told(
    tmp_path: Path, read_only: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    run = scored_run(tmp_path / "run")
    (tmp_path / "locked").mkdir()
    read_only(tmp_path / "locked")
    with pytest.raises(SystemExit):
        main(["report", str(run), "--out", str(tmp_path / "locked/report.html")])
    assert "name another file with --out" in capsys.readouterr().err
