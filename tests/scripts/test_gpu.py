"""The script of all measurements on a GPU, with small stand-ins on the CPU, part by part."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import gpu

SCRIPTS = Path(gpu.__file__).parent
CPU = ["--device", "cpu", "--tiny"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "gpu.json"


def _run(monkeypatch: pytest.MonkeyPatch, out: Path, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(out), *CPU, *words])
    gpu.main()


def _parts(monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    """Parts that are small programs."""
    parts = {name: gpu.Part(["-c", text]) for name, text in programs.items()}
    monkeypatch.setattr(gpu, "tiny_parts", lambda device: parts)


@pytest.mark.slow
def test_parts_run_here_and_each_has_its_figures(out: Path) -> None:
    """All but `steps`, which tests/benchmarks/test_steps.py runs."""
    words = [sys.executable, str(SCRIPTS / "gpu.py"), "--out", str(out), *CPU]
    words += ["--limit", "1800", "--only", "tests", "masks_vit_nano", "steps_by_two"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + out.read_text()
    report = json.loads(out.read_text())
    assert report["format"] == "goodsam_pl gpu 1"
    machine = report["machine"]
    assert (machine["device"], machine["tiny"], machine["devices"]) == ("cpu", True, 1)
    assert machine.keys() >= {"gpu", "driver", "cuda", "torch", "python", "commit", "date"}
    parts = report["parts"]
    assert [*parts] == ["tests", "masks_vit_nano", "steps_by_two"]
    assert [part["status"] for part in parts.values()] == ["done", "done", "left out"]
    assert parts["tests"]["result"]["tests"] > 20
    assert parts["tests"]["result"]["failed"] == []
    masks = parts["masks_vit_nano"]["result"]
    assert masks["windows"] == 2
    assert masks["exact_same"] == masks["exact_masks"] == masks["stock_masks"] > 0
    for way in ("stock", "exact", "panorama", "quick"):
        assert masks[f"{way}_ms_a_window"] > 0
        assert masks[f"{way}_peak_gib"] is None
    assert parts["steps_by_two"]["told"] == "needs 2 devices, has 1"
    assert all(goal["measured"] is goal["met"] is None for goal in report["goals"].values())


def test_one_that_fails_or_takes_too_long_loses_nothing(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _parts(
        monkeypatch,
        good="print('working'); print('{\"seconds\": 1.5}')",
        bad="raise SystemExit('no such thing')",
        long="import time; print('begun', flush=True); time.sleep(60)",
        mute="pass",
    )
    with pytest.raises(SystemExit, match="bad, long, mute did not end well"):
        _run(monkeypatch, out, "--limit", "5")
    parts = json.loads(out.read_text())["parts"]
    status = {name: part["status"] for name, part in parts.items()}
    assert status == {"good": "done", "bad": "failed", "long": "late", "mute": "failed"}
    assert parts["good"]["result"] == {"seconds": 1.5}
    assert parts["bad"]["told"].endswith("no such thing\n")
    assert parts["long"]["told"] == "begun\n"


def test_a_second_run_does_what_is_left_and_one_part_is_laid_into_the_file(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _parts(monkeypatch, one="print('{\"n\": 1}')", two="print('{\"n\": 2}')")
    _run(monkeypatch, out, "--only", "two")
    assert [*json.loads(out.read_text())["parts"]] == ["two"]
    _parts(monkeypatch, one="print('{\"n\": 10}')", two="print('{\"n\": 20}')")
    _run(monkeypatch, out)
    numbers = {name: p["result"]["n"] for name, p in json.loads(out.read_text())["parts"].items()}
    assert numbers == {"two": 2, "one": 10}
    _run(monkeypatch, out, "--only", "two", "--again")
    numbers = {name: p["result"]["n"] for name, p in json.loads(out.read_text())["parts"].items()}
    assert numbers == {"two": 20, "one": 10}
    with pytest.raises(SystemExit, match=r"there is no part \['three'\]: choose of"):
        _run(monkeypatch, out, "--only", "three")


def test_figures_of_two_machines_do_not_share_a_file(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _parts(monkeypatch, one="print('{}')")
    _run(monkeypatch, out)
    report = json.loads(out.read_text())
    report["machine"]["torch"] = "1.0"
    out.write_text(json.dumps(report))
    with pytest.raises(SystemExit, match=r"gpu\.json has figures with torch 1\.0, here is .*--out"):
        _run(monkeypatch, out)
    out.write_text("[]")
    with pytest.raises(SystemExit, match=r"gpu\.json is no file of this script: name another one"):
        _run(monkeypatch, out)


def test_goals_are_held_against_what_vit_h_took() -> None:
    assert {goal["met"] for goal in gpu.goals({}).values()} == {None}
    result = {"exact_ms_a_window": 61.0, "panorama_ms_a_window": 29.5}
    found = gpu.goals({"masks_vit_h": {"result": result}})
    assert found["exact_ms_a_window"] == {"goal": 60.0, "measured": 61.0, "met": False}
    assert found["panorama_ms_a_window"] == {"goal": 30.0, "measured": 29.5, "met": True}
    assert gpu.goals({"masks_vit_h": {"status": "late", "result": None}}) == gpu.goals({})


def test_the_parts_are_told_without_a_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--list"])
    gpu.main()
    told = capsys.readouterr().out
    assert "masks_vit_h " in told
    assert "-m gpu tests" in told
    for line in told.splitlines():
        script = next((word for word in line.split() if word.endswith(".py")), None)
        assert script is None or (SCRIPTS.parent / script).is_file()


def test_without_a_device_it_says_so(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(out)])
    with pytest.raises(SystemExit, match="no CUDA device here: run it where there is one"):
        gpu.main()
    assert not out.exists()
