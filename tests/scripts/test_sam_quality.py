"""The curve of masks and labels, on a world of a few small panoramas."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import sam_quality
from goodsam_pl.files.presets import read_preset
from goodsam_pl.streetworld.export import export
from mask_curve import students
from mask_curve.points import points_of
from mask_curve.report import as_markdown, draw_curve

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("curve") / "world"
    none = dict.fromkeys(("source_train", "source_val", "target_train", "target_test"), 0)
    export(out, **none, target_val=2, panorama_size=(48, 256), instances=True, workers=1)
    return out


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The preset, for panoramas of 48×256."""
    tree = read_preset(ROOT / "configs/streetworld/rectification.yaml")
    sizes = {"size": [48, 256], "window_size": [48, 64], "window_stride": [48, 64]}
    tree["data"]["init_args"] |= sizes
    path = tmp_path / "preset.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def _run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["sam_quality.py", *map(str, words)])
    sam_quality.main()


def test_the_curve_is_measured_once_and_reported(
    world: Path,
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, picture, out = tmp_path / "page.md", tmp_path / "curve.png", tmp_path / "out"
    page.write_text("before\n<!-- curve -->\nold\n<!-- /curve -->\nafter\n", encoding="utf-8")
    words = ["--world", world, "--config", config, "--out", out, "--seeds", 0, 1]
    words += ["--teacher_assistant", "source=streetworld", "--qualities", 0, 1, "--sams"]
    words += ["--page", page, "--picture", picture]
    _run(monkeypatch, *words)
    files = sorted(out.glob("*.json"))
    assert [path.stem for path in files] == [
        "oracle_0_0",
        "oracle_0_1",
        "oracle_1_0",
        "oracle_1_1",
    ]
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in files}
    exact, worst = results["oracle_1_0"], results["oracle_0_0"]
    assert exact["masks"]["mean_iou_64"] == exact["masks"]["purity"] == 1
    assert worst["masks"]["mean_iou_64"] < 0.5
    assert results["oracle_0_1"]["masks"] != worst["masks"]
    labels = exact["labels"]["source"]
    assert labels["none"] == worst["labels"]["source"]["none"]
    assert labels["majority vote"] > labels["none"]
    text = page.read_text("utf-8")
    assert text.startswith("before\n<!-- curve -->\nSeeds 0, 1;")
    assert text.endswith("<!-- /curve -->\nafter\n")
    assert "| oracle 1 | 100.0 ± 0.0 | 100.0 ± 0.0 |" in text
    assert text == page.read_text("utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(sam_quality, "measured", never)
    picture.unlink()
    _run(monkeypatch, *words)  # everything is there
    assert picture.exists()
    with pytest.raises(ValueError, match=r"oracle_0_0\.json is of .* name another folder"):
        _run(monkeypatch, *words, "--split", "test")
    capsys.readouterr()


def test_students_are_trained_with_the_masks_of_a_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    ran: list[tuple[str, ...]] = []

    def goodsam(*words: str) -> None:
        ran.append(words)
        scores = tmp_path / "run/distillation/val_classes.csv"
        scores.write_text("class,iou\nroad,0.9\nmean,0.42\n")

    monkeypatch.setattr(students, "_goodsam", goodsam)
    (tmp_path / "run/distillation").mkdir(parents=True)
    point = points_of(tmp_path / "world", [0.5], [])[0]
    arguments = (
        point.described(3),
        tmp_path / "masks",
        "source.ckpt",
        tmp_path / "world",
        tmp_path / "run",
        "val",
        3,
        ["--trainer.max_steps=2"],
    )
    assert students.train_student(*arguments) == {"student": 0.42}
    assert [words[0] for words in ran] == ["fit", "fit", "validate"]
    assert all(words[-1] == "--trainer.max_steps=2" for words in ran)
    tree = yaml.safe_load((tmp_path / "run/distillation/config.yaml").read_text("utf-8"))
    assert tree["seed_everything"] == 3
    model, callbacks = tree["model"]["init_args"], tree["trainer"]["callbacks"]
    assert model["student"]["init_args"]["weights"] == "source.ckpt"
    assert model["teacher_assistant"]["init_args"]["weights"] == str(
        tmp_path / "run/rectification/last.ckpt"
    )
    assert callbacks[0]["init_args"]["proposer"] == {
        "class_path": "goodsam_pl.sam.StreetWorldOracle",
        "init_args": {"root": str(tmp_path / "world"), "quality": 0.5, "seed": 3},
    }
    assert tree["data"]["init_args"]["mask_root"] == str(tmp_path / "masks")
    students.train_student(*arguments)
    assert [words[0] for words in ran[3:]] == ["validate"]  # what is trained is not trained again


def _result(iou: float, miou: float, **more: float) -> dict[str, object]:
    sized = {f"{name}_{size}": iou for name in ("mean_iou", "purity") for size in (64, 400, 1024)}
    masks = {**sized, "recall_50_64": iou, "recall_75_64": iou, "purity": float("nan")}
    masks |= {"covered": 1.0, "masks_per_window": 12.0}
    return {"masks": masks, "labels": {"source": {"none": 0.3, "SSA": miou}}, **more}


def test_tables_have_means_and_spreads() -> None:
    results = {
        "vit_nano": {0: _result(0.2, 0.31), 1: _result(0.2, 0.33)},
        "oracle 1": {0: _result(1.0, 0.4, student=0.5), 1: _result(1.0, 0.5, student=0.6)},
    }
    lines = as_markdown(results).splitlines()
    assert lines[0].startswith("Seeds 0, 1;")
    assert "| vit_nano | 30.0 ± 0.0 | 32.0 ± 1.4 |" in lines
    assert "| oracle 1 | 55.0 ± 7.1 |" in lines
    assert "| vit_nano | 20.0 ± 0.0 | 20.0 ± 0.0 | 20.0 ± 0.0 | 20.0 ± 0.0 | 20.0 ± 0.0 | – |" in (
        line[: line.index("–") + 3] for line in lines if "–" in line
    )
    assert draw_curve(results, "val").startswith(b"\x89PNG")


def test_points_are_the_small_sams_and_the_oracles_worst_first(tmp_path: Path) -> None:
    sams = ["vit_nano=", "mine=w.safetensors", "loose=,stability_threshold=0.3"]
    points = points_of(tmp_path, [1.0, 0.25], sams)
    names = ["vit_nano", "mine", "loose", "oracle 0.25", "oracle 1"]
    assert [point.name for point in points] == names
    assert points[1].arguments == {"model": "vit_nano", "checkpoint": "w.safetensors"}
    assert points[2].arguments["checkpoint"] is None
    assert points[2].proposer(0).describe()["stability_threshold"] == 0.3
    assert points[1].folder(tmp_path, 0) == points[1].folder(tmp_path, 1)
    assert points[3].folder(tmp_path, 0) != points[3].folder(tmp_path, 1)


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="put <!-- curve --> and"):
        sam_quality.put_table(page, "table")
