from __future__ import annotations

import csv
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from goodsam_pl.experiments.command import ablate

pytestmark = pytest.mark.usefixtures("goodsam")


def rows(out):
    with (out / "ablation.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_table(plan_file, tmp_path, goodsam):
    out = tmp_path / "out"
    ablate(plan_file, out)
    assert (out / "ablation.csv").read_text().splitlines() == [
        "preset,variation,seed,student_miou,fused_miou,ta_miou,source_only_miou",
        "loaf,full,0,50.00,25.00,45.00,",
        "loaf,-yeast,0,40.00,25.00,45.00,",
        "loaf,-dough,0,50.00,25.00,45.00,",
        "loaf,full,1,51.00,25.00,46.00,",
        "loaf,-yeast,1,41.00,25.00,46.00,",
        "loaf,-dough,1,51.00,25.00,46.00,",
    ]
    text = (out / "ablation.md").read_text()
    assert "| full | – | 50.50 ± 0.71 |" in text
    assert "| -yeast | −10.00 ± 0.00 | 40.50 ± 0.71 |" in text
    assert f"goodsam ablate {plan_file} --out=" in text
    assert "goodsam mill grind --out=" in text
    assert "Not complete" not in text
    assert (out / "ablation.png").read_bytes().startswith(b"\x89PNG")
    run = json.loads((out / "ablation.json").read_text())["loaf / -yeast / seed 1"]
    assert run["miou"]["student"] == pytest.approx(41)
    assert all((out / stage / "result.json").is_file() for stage in run["stages"])


def test_a_second_call_does_nothing(plan_file, tmp_path, goodsam):
    ablate(plan_file, tmp_path / "out")
    before = (tmp_path / "out/ablation.csv").read_text()
    goodsam.calls.clear()
    ablate(plan_file, tmp_path / "out")
    assert goodsam.calls == []
    assert (tmp_path / "out/ablation.csv").read_text() == before


def test_a_changed_entry_is_redone_alone(plan_file, tmp_path, goodsam):
    ablate(plan_file, tmp_path / "out")
    goodsam.calls.clear()
    plan_file.write_text(plan_file.read_text().replace("yeast: 0.0", "yeast: 0.5"))
    ablate(plan_file, tmp_path / "out")
    assert sorted(goodsam.verbs) == ["fit", "fit", "test", "test"]
    students = {
        row["seed"]: row["student_miou"]
        for row in rows(tmp_path / "out")
        if row["variation"] == "-yeast"
    }
    assert students == {"0": "45.00", "1": "46.00"}


def test_a_killed_training_goes_on_from_its_checkpoint(plan_file, tmp_path, goodsam):
    goodsam.fail = lambda words, config: words[0] == "fit"
    with pytest.raises(SystemExit):
        ablate(plan_file, tmp_path / "out", only="full")
    folders = [
        Path(words[1].removeprefix("--config=")).parent
        for words in goodsam.calls
        if words[0] == "fit"
    ]
    goodsam.calls.clear()
    goodsam.fail = lambda words, config: False
    ablate(plan_file, tmp_path / "out", only="full")
    again = [words for words in goodsam.calls if words[0] == "fit"]
    assert again[0] == [
        "fit",
        f"--config={folders[0]}/settings.yaml",
        f"--ckpt_path={folders[0]}/last.ckpt",
    ]
    assert "mill" not in goodsam.verbs


def test_failures_are_named_and_the_rest_is_done(plan_file, tmp_path, goodsam, capsys):
    def fail(words, config):
        return (
            words[0] == "fit"
            and config["model"]["class_path"] == "Dough"
            and config["seed_everything"] == 1
        )

    goodsam.fail = fail
    with pytest.raises(SystemExit) as end:
        ablate(plan_file, tmp_path / "out", jobs=3)
    assert end.value.code == 1
    told = capsys.readouterr().err
    assert told.count("failed: ") == 1
    assert "failed: rectification-fit, ended with status 1" in told
    log = Path(told.split("; see ")[1].splitlines()[0])
    assert log.read_text().startswith("fit --config=")
    assert "therefore no loaf / full / seed 1" in told
    assert "therefore no loaf / -yeast / seed 1" in told
    assert "-dough" not in told  # it does not need the dough
    done = [(row["variation"], row["seed"]) for row in rows(tmp_path / "out")]
    assert done == [("full", "0"), ("-yeast", "0"), ("-dough", "0"), ("-dough", "1")]
    assert "**Not complete: 2 of 6 runs" in (tmp_path / "out/ablation.md").read_text()


def test_a_score_without_its_table_is_a_failure(plan_file, tmp_path, goodsam, capsys):
    goodsam.writes_table = False
    with pytest.raises(SystemExit):
        ablate(plan_file, tmp_path / "out", only="full")
    told = capsys.readouterr().err
    assert "wrote no test_classes.csv: put goodsam_pl.callbacks.ClassTable" in told


def test_a_training_without_its_checkpoint_is_a_failure(plan_file, tmp_path, goodsam, capsys):
    goodsam.keeps_checkpoint = True
    with pytest.raises(SystemExit):
        ablate(plan_file, tmp_path / "out", only="full")
    assert "left no last.ckpt: give the preset's ModelCheckpoint `save" in capsys.readouterr().err


def test_only_some_variations(plan_file, tmp_path, goodsam):
    ablate(plan_file, tmp_path / "out", only="-yeast, full")
    assert {row["variation"] for row in rows(tmp_path / "out")} == {"full", "-yeast"}
    with pytest.raises(ValueError, match="only: 'salt' is none of full, -yeast, -dough"):
        ablate(plan_file, tmp_path / "out", only="salt")


def test_only_some_seeds(plan_file, tmp_path, goodsam):
    ablate(plan_file, tmp_path / "out", seeds=[1])
    assert [row["seed"] for row in rows(tmp_path / "out")] == ["1", "1", "1"]
    text = (tmp_path / "out/ablation.md").read_text()
    assert "Not complete: 3 of 6 runs" in text
    assert "over seeds 1. Δ" in text
    with pytest.raises(ValueError, match="seeds: 7 is none of 0, 1"):
        ablate(plan_file, tmp_path / "out", seeds=[7])


def test_a_process_has_its_threads_and_its_device(plan_file, tmp_path, goodsam, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    ablate(plan_file, tmp_path / "out", jobs=2, threads=1)
    assert {each["CUDA_VISIBLE_DEVICES"] for each in goodsam.environments} == {"2", "5"}
    assert {each["OMP_NUM_THREADS"] for each in goodsam.environments} == {"1"}


def test_scores_of_the_validation_set(plan_file, tmp_path, goodsam):
    plan_file.write_text(f"split: val\n{plan_file.read_text()}")
    ablate(plan_file, tmp_path / "out")
    assert {"validate", "fit", "mill"} == set(goodsam.verbs)
    assert rows(tmp_path / "out")[0]["student_miou"] == "50.00"
    assert "on the validation split" in (tmp_path / "out/ablation.md").read_text()


def test_a_curve(plan_file, tmp_path):
    text = plan_file.read_text().replace("note: Flat.", "note: Flat.\n        at: 0.0")
    text = text.replace("note: Raw.", "note: Raw.\n        at: 1")
    text = text.replace("  loaf:", "  loaf:\n    at: 0.5")
    plan_file.write_text(f"curve: {{name: heat, label: Heat}}\n{text}")
    ablate(plan_file, tmp_path / "out")
    assert (tmp_path / "out/heat.png").read_bytes().startswith(b"\x89PNG")


def test_two_at_once_are_refused(plan_file, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(FileExistsError, match="another process works in"):
            ablate(plan_file, out)


SLEEPER = """
import sys, time
from pathlib import Path
from goodsam_pl.cli import main
from goodsam_pl.experiments import runner
class Sleeping(runner.Popen):
    def __init__(self, words, **options):
        super().__init__([sys.executable, "-c", "import time; time.sleep(600)"], **options)
        Path(sys.argv[3]).write_text(str(self.pid))
runner.Popen = Sleeping
main(["ablate", sys.argv[1], "--out", sys.argv[2]])
"""


@pytest.fixture
def sleeper(plan_file, tmp_path):
    """An ablation whose first process sleeps, and the id of that one."""
    note = tmp_path / "pid"
    words = [sys.executable, "-c", SLEEPER, str(plan_file), str(tmp_path / "out"), str(note)]
    ablation = subprocess.Popen(words)
    deadline = time.monotonic() + 60
    while not note.exists() or not note.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return ablation, int(note.read_text())


def test_whoever_ends_it_ends_its_processes_and_has_a_table(sleeper, tmp_path):
    ablation, pid = sleeper
    ablation.send_signal(signal.SIGTERM)
    assert ablation.wait(timeout=30) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert "Not complete: 6 of 6 runs" in (tmp_path / "out/ablation.md").read_text()


def test_what_a_killed_one_left_running_keeps_others_away(sleeper, plan_file, tmp_path):
    ablation, pid = sleeper
    ablation.kill()
    ablation.wait(timeout=30)
    with pytest.raises(FileExistsError, match="one that a killed one left behind"):
        ablate(plan_file, tmp_path / "out")
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:  # the lock goes with the process
        try:
            ablate(plan_file, tmp_path / "out")
            break
        except FileExistsError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(
    "content",
    [b"", b'{"key', b"[]", b"null", b'{"job": 1}', b'{"key": [1]}', b"\xff\xfe", b"[" * 100_000],
)
def test_a_damaged_result_is_none(plan_file, tmp_path, goodsam, content):
    """The stage is done again, and nothing else."""
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    [result] = (tmp_path / "out/stages").glob("distillation-test-*/result.json")
    before = result.read_bytes()
    result.write_bytes(content)
    goodsam.calls.clear()
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    assert goodsam.verbs == ["test"]
    assert json.loads(result.read_bytes())["key"] == json.loads(before)["key"]


def test_a_damaged_checkpoint_is_named_and_a_removed_one_made_anew(
    plan_file, tmp_path, goodsam, capsys
):
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    [fit] = (tmp_path / "out/stages").glob("distillation-fit-*")
    (fit / "result.json").unlink()
    (fit / "last.ckpt").write_bytes(b"PK\3\4 cut off")
    goodsam.fail = lambda words, config: words[0] == "fit"
    goodsam.keeps_checkpoint = True
    with pytest.raises(SystemExit):
        ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    told = " ".join(capsys.readouterr().err.split())
    assert f"ended with status 1; {fit / 'last.ckpt'} is damaged: remove it, and distill" in told
    goodsam.fail, goodsam.keeps_checkpoint = lambda words, config: False, False
    goodsam.calls.clear()
    (fit / "last.ckpt").unlink()
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    assert goodsam.verbs == ["fit"]
    assert not any("--ckpt_path" in word for word in goodsam.calls[0])


def test_a_training_whose_checkpoint_is_gone_is_not_scored_without_it(plan_file, tmp_path, goodsam):
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    [fit] = (tmp_path / "out/stages").glob("distillation-fit-*")
    [test] = (tmp_path / "out/stages").glob("distillation-test-*")
    (fit / "last.ckpt").unlink()
    (test / "result.json").unlink()
    goodsam.calls.clear()
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    assert goodsam.verbs == ["fit", "test"]
    assert f"--ckpt_path={fit / 'last.ckpt'}" in goodsam.calls[1]


@pytest.mark.parametrize("content", ["", "class\n", "class,iou\nroad,1\n", "class,iou\nmean,x\n"])
def test_a_damaged_table_is_named_and_a_removed_one_made_anew(
    plan_file, tmp_path, goodsam, content
):
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    [table] = (tmp_path / "out/stages").glob("distillation-test-*/test_classes.csv")
    table.write_text(content)
    with pytest.raises(
        ValueError,
        match=r"distillation-test-\w+/test_classes\.csv is damaged .*: remove it, and it",
    ):
        ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    table.unlink()
    goodsam.calls.clear()
    ablate(plan_file, tmp_path / "out", only="full", seeds=[0])
    assert goodsam.verbs == ["test"]
