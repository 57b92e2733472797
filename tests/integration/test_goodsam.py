"""The presets of GoodSAM and GoodSAM++: with every data set and student, and on StreetWorld."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import wandb
import yaml

from goodsam_pl.cli import main
from goodsam_pl.networks import SegmentationNetwork

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import CONFIGS, whole

PRESETS = ("paper", "plus_plus", "best")
SIZES = {"streetworld": [192, 1024], "densepass": [400, 2048], "wildpass": [400, 2048]}
ENCODERS = {"b0": "mit_b0", "b1": "mit_b1", "b2": "mit_b2", "smp": "resnet50"}
OTHER_NETWORKS = ("daformer_b0", "deeplab_v2", "segformer_b5", "unet")
PAIRS = [
    (preset, [*SIZES][(row + column) % len(SIZES)], student)
    for row, preset in enumerate(PRESETS)
    for column, student in enumerate(ENCODERS)
]
"""Every preset with every data set and every student, and every data set with every student."""


SMALL = [
    "--data.init_args.size=[48,256]",
    "--data.init_args.window_size=[48,64]",
    "--data.init_args.window_stride=[48,64]",
    "--data.init_args.horizontal_window_size=[24,64]",
    "--data.init_args.horizontal_window_stride=[24,64]",
    "--data.init_args.vertical_window_size=[48,32]",
    "--data.init_args.vertical_window_stride=[48,32]",
]


@pytest.fixture(autouse=True)
def _one_wandb_run_each() -> Iterator[None]:
    yield
    wandb.finish()


def test_the_folders_hold_what_is_tested_here() -> None:
    for folder, names in {
        "goodsam": [*PRESETS],
        "goodsam/over": [*(name for name in SIZES if name != "streetworld"), "words"],
        "networks": [*ENCODERS, *OTHER_NETWORKS],
    }.items():
        assert sorted(path.stem for path in (CONFIGS / folder).glob("*.yaml")) == sorted(names)


def _parsed(capsys: pytest.CaptureFixture[str], *names: str, student: str = "") -> dict:
    words = ["fit", *(f"--config={CONFIGS}/goodsam/{name}.yaml" for name in names)]
    if student:
        words.append(f"--model.init_args.student={CONFIGS}/networks/{student}.yaml")
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--print_config"])
    assert not stopped.value.code
    return yaml.safe_load(capsys.readouterr().out)


@pytest.mark.slow
def test_every_preset_takes_every_data_set_and_student(capsys: pytest.CaptureFixture[str]) -> None:
    presets = {preset: _parsed(capsys, preset) for preset in PRESETS}
    callbacks = {}
    for preset, data, student in PAIRS:
        alone = presets[preset]
        over = [] if data == "streetworld" else [f"over/{data}"]
        config = _parsed(capsys, preset, *over, student=student)
        model, own = config["model"]["init_args"], alone["model"]["init_args"]
        network = model["student"]["init_args"]
        assert network["encoder"] == ENCODERS[student]
        assert not network["circular"] or network["architecture"] == "segformer"
        assert config["model"]["class_path"] == alone["model"]["class_path"]
        for name in ("fusion", "boundary"):
            assert model["teachers"][name] == own["teachers"][name]
        assert config["data"]["init_args"]["windows"] == alone["data"]["init_args"]["windows"]
        assert config["data"]["init_args"]["size"] == SIZES[data]
        assert config["trainer"]["logger"]["init_args"]["offline"] is True
        teacher = model["teacher_assistant"]
        if data == "streetworld":
            assert teacher == own["teacher_assistant"]
            assert config["trainer"] == alone["trainer"]
            assert config["data"] == alone["data"]
        else:
            # a list over one of the same length inherits arguments, which must then not matter
            first = callbacks.setdefault(data, config["trainer"]["callbacks"])
            assert config["trainer"]["callbacks"] == first
            assert teacher["class_path"] == "goodsam_pl.networks.PretrainedNetwork"
            assert teacher["init_args"]["weights"] is None


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_trains_on_streetworld(preset: str, world: Path, tmp_path: Path) -> None:
    known = SegmentationNetwork(weights="streetworld").state_dict()
    for stage in ("source", "rectification"):
        (tmp_path / stage).mkdir()
        torch.save(known, tmp_path / stage / "last.ckpt")
    moved = {"data/streetworld": str(world), "runs/streetworld": str(tmp_path)}
    text = whole(f"goodsam/{preset}.yaml", moved | {"runs/goodsam": str(tmp_path)})
    config = tmp_path / f"{preset}.yaml"
    config.write_text(text)
    main(
        [
            "fit",
            f"--config={config}",
            "--trainer.max_steps=2",
            "--trainer.val_check_interval=2",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
            "--data.init_args.batch_size=2",
            f"--data.init_args.mask_root={world / 'small_masks'}",
            *SMALL,
        ]
    )
    checkpoint = tmp_path / preset / "last.ckpt"
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    trained = {
        name.split(".")[0] for name, value in state.items() if not name.startswith("metrics")
    }
    joint = yaml.safe_load(text)["model"]["class_path"].endswith("JointDistillation")
    expected = {"student", "class_balance"} | ({"teacher_assistant"} if joint else set())
    assert trained == expected

    main(["export", str(checkpoint), str(tmp_path / "student.safetensors")])
    student = SegmentationNetwork(weights=str(tmp_path / "student.safetensors"))
    for name, value in student.state_dict().items():
        assert torch.equal(value, state[f"student.{name}"]), name
    assert any(not torch.equal(state[f"student.{name}"], value) for name, value in known.items())
    if joint:
        teacher = SegmentationNetwork(weights=f"{checkpoint}:teacher_assistant").state_dict()
        assert any(not torch.equal(teacher[name], value) for name, value in known.items())
