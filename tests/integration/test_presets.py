"""Every preset parses, and those of StreetWorld run in order through the real command line."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import wandb
import yaml

from goodsam_pl.cli import main
from goodsam_pl.files.presets import read_preset
from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.taxonomy import remap_table

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import CONFIGS, PRESETS
from wandb_runs import history_with

PROTOCOLS = [name for name in PRESETS if name.startswith("evaluation")]

SHORT = [
    "--trainer.max_steps=2",
    "--trainer.accelerator=cpu",
    "--trainer.precision=32-true",
    "--trainer.enable_progress_bar=false",
    "--data.init_args.batch_size=2",
]


@pytest.fixture(autouse=True)
def _one_wandb_run_each() -> Iterator[None]:
    yield
    wandb.finish()


@pytest.mark.parametrize("name", sorted({*PRESETS} - {*PROTOCOLS}))
def test_a_preset_parses_and_what_it_prints_parses_to_the_same(
    name: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # parts are found wherever one works

    def printed(config: Path) -> str:
        with pytest.raises(SystemExit) as stopped:
            main(["fit", f"--config={config}", "--print_config"])
        assert not stopped.value.code
        return capsys.readouterr().out

    first = printed(CONFIGS / name)
    (tmp_path / "again.yaml").write_text(first)
    assert printed(tmp_path / "again.yaml") == first
    chosen = yaml.safe_load(first)["model"]["class_path"]
    assert chosen.startswith("goodsam_pl.modules.")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_parses_for_a_network_of_its_taxonomy(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = "--model=goodsam_pl.modules.SourceSegmentation"
    network = "--model.network=goodsam_pl.networks.SegmentationNetwork"
    with pytest.raises(SystemExit) as stopped:
        main(["test", f"--config={CONFIGS / name}", model, network, "--print_config"])
    assert not stopped.value.code
    data = yaml.safe_load(capsys.readouterr().out)["data"]["init_args"]
    remap_table(data["taxonomy"], data["evaluation_taxonomy"] or data["taxonomy"])
    if data["dataset"] == "densepass":
        assert data["size"] == [400, 2048]


def _miou(path: Path) -> dict[str, float]:
    with path.open() as file:
        rows = {row.pop("class"): row for row in csv.DictReader(file)}
    return {kind: float(value) for kind, value in rows["mean"].items()}


def _stages(run: Path) -> set[str]:
    """Captions of the panels of a panorama that an offline run logged."""
    [log] = run.rglob("run-*.wandb")
    captions = [
        value
        for step in history_with(log, "/captions", start="stages/")
        for name, value in step.items()
        if name.startswith("stages/") and name.endswith("/captions")
    ]
    assert len(captions) == 1  # panorama
    return set(captions[0])


@pytest.mark.slow
def test_the_road_from_the_source_to_a_student(
    preset: Callable[[str], str], runs: Path, world: Path
) -> None:
    main(["fit", f"--config={preset('source')}", *SHORT])
    assert (runs / "source" / "config.yaml").is_file()
    assert (runs / "source" / "last.ckpt").is_file()
    wandb.finish()  # a run that is not over would be gone on with

    main(["fit", f"--config={preset('rectification')}", *SHORT, "--trainer.val_check_interval=2"])
    wandb.finish()
    assert _stages(runs / "rectification") == {
        "panorama",
        "SAM masks",
        "teacher assistant, windowed",
        "fused labels E",
        "weights M",
        "trusted labels E_H",
        "where E differs from TA: changed",
    }
    records = {path: path.stat().st_mtime_ns for path in (world / "masks").rglob("*.masks")}
    assert len(records) == 2  # the unlabelled panoramas to train on; the test set comes later
    rectified = runs / "rectification" / "last.ckpt"
    main(["test", f"--config={preset('rectification')}", f"--ckpt_path={rectified}"])
    scores = _miou(runs / "rectification" / "test_classes.csv")
    assert {"iou", "iou_whole", "iou_fused"} <= scores.keys()

    main(["fit", f"--config={preset('distillation')}", *SHORT])
    after = {path: path.stat().st_mtime_ns for path in (world / "masks").rglob("*.masks")}
    assert len(after) == 7
    assert after.items() >= records.items()  # nothing was computed twice
    distilled = runs / "distillation" / "last.ckpt"
    state = torch.load(distilled, weights_only=True)["state_dict"]
    assert not any("teacher_assistant" in name for name in state)
    main(["test", f"--config={preset('distillation')}", f"--ckpt_path={distilled}"])
    assert 0 <= _miou(runs / "distillation" / "test_classes.csv")["iou"] <= 1

    out = runs / "predictions"
    main(
        [
            "predict",
            f"--config={preset('distillation')}",
            f"--ckpt_path={distilled}",
            "--trainer.callbacks=goodsam_pl.callbacks.PredictionWriter",
            f"--trainer.callbacks.output_dir={out}",
        ]
    )
    assert len(list((out / "labels").rglob("*.png"))) == 5
    assert len(list((out / "overlays").rglob("*.png"))) == 5

    main(["export", str(distilled), str(runs / "student.safetensors")])
    student = SegmentationNetwork(weights=str(runs / "student.safetensors"))
    for name, value in student.state_dict().items():
        assert torch.equal(value, state[f"student.{name}"]), name


def test_runs_stay_offline_by_default() -> None:
    for name in PRESETS:
        logger = read_preset(CONFIGS / name)["trainer"]["logger"]
        assert logger is False or logger["init_args"]["offline"] is True


def test_a_preset_is_short_and_says_once_where_its_run_lies() -> None:
    for name in PRESETS:
        lines = (CONFIGS / name).read_text().splitlines()
        code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        assert len(code) <= 40, name
        folder = read_preset(CONFIGS / name)["trainer"]["default_root_dir"]
        assert sum(line.endswith(f" {folder}") for line in code) == 1, name


def test_options_and_further_files_win_over_parts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/over.yaml").write_text(
        "data.batch_size: 3\n"
        "model.init_args.teachers.fusion: ./majority.yaml\n"
        "trainer.max_steps: 7\n"
    )
    (tmp_path / "mine/majority.yaml").write_text("class_path: goodsam_pl.fusion.MajorityVote\n")
    preset = CONFIGS / "streetworld/distillation.yaml"
    network = CONFIGS / "networks/b2.yaml"
    with pytest.raises(SystemExit):
        main(
            [
                *("fit", f"--config={preset}", "--config=mine/over.yaml"),
                *(f"--model.student={network}", "--trainer.max_steps=9", "--print_config"),
            ]
        )
    tree = yaml.safe_load(capsys.readouterr().out)
    model, data = tree["model"]["init_args"], tree["data"]["init_args"]
    assert tree["trainer"]["max_steps"] == 9
    assert (data["batch_size"], data["num_workers"]) == (3, 0)
    assert model["teachers"]["fusion"]["class_path"] == "goodsam_pl.fusion.MajorityVote"
    assert model["student"]["init_args"]["encoder"] == "mit_b2"
    assert model["student"]["init_args"]["circular"] is True  # the preset's
