"""The preset of the small SAM: killed, resumed, exported, and asked for masks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import wandb

from goodsam_pl.cli import main
from goodsam_pl.data import InstanceDataModule
from goodsam_pl.modules import SamTraining
from goodsam_pl.networks.small_sam import NANO_WEIGHTS, SmallSam
from goodsam_pl.sam import SegmentAnything

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import whole


class Killed(Exception):  # noqa: N818  # no error
    """Stands for SIGKILL: every step has left its checkpoint, nothing else is saved."""


@pytest.fixture(autouse=True)
def _one_wandb_run_each() -> Iterator[None]:
    yield
    wandb.finish()


def fit(scenes: Path, *options: str) -> dict[str, Any]:
    """Five steps over epochs of three batches; the checkpoint that they leave here."""
    config = Path("nano.yaml")
    often = {"every_n_train_steps: 250": "every_n_train_steps: 1"}
    config.write_text(whole("sam/nano.yaml", often))
    main(
        [
            *("fit", f"--config={config}", "--trainer.accelerator=cpu", "--trainer.max_steps=5"),
            *("--trainer.enable_progress_bar=false", "--trainer.logger=false"),
            *("--model.init_args.encoder_steps=2", "--model.init_args.warmup_steps=2"),
            *(f"--data.init_args.cache={scenes}", "--data.init_args.panoramas=2"),
            *("--data.init_args.photographs=1", "--data.init_args.windows=6"),
            *("--data.init_args.batch_size=2", "--data.init_args.clicks=3", *options),
        ]
    )
    checkpoint: dict[str, Any] = torch.load("runs/sam/nano/last.ckpt", weights_only=True)
    return checkpoint


def parts(checkpoint: dict[str, Any]) -> list[Any]:
    names = ("state_dict", "current_model_state", "averaging_state", "optimizer_states")
    return [checkpoint[name] for name in (*names, "lr_schedulers", "global_step")]


def test_a_killed_training_resumes_to_the_bit_and_its_weights_propose_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    undisturbed = fit(tmp_path / "scenes")
    assert "lightning test" not in capsys.readouterr().out  # there is no test of it
    monkeypatch.chdir(tmp_path / "killed")

    def die(module: SamTraining, *_: object) -> None:
        if module.global_step == 4:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SamTraining, "on_train_batch_start", die, raising=False)
        with pytest.raises(Killed):
            fit(tmp_path / "scenes")
    left = torch.load("runs/sam/nano/last.ckpt", weights_only=True)
    assert left["global_step"] == 4
    resumed = fit(tmp_path / "scenes", "--ckpt_path=runs/sam/nano/last.ckpt")
    torch.testing.assert_close(parts(resumed), parts(undisturbed), rtol=0, atol=0)
    averaged, last = undisturbed["state_dict"], undisturbed["current_model_state"]
    assert any(not torch.equal(averaged[name], last[name]) for name in last)

    main(["export", "runs/sam/nano/last.ckpt:sam", "vit_nano.safetensors", "--half=true"])
    assert abs(Path("vit_nano.safetensors").stat().st_size - NANO_WEIGHTS.stat().st_size) < 1000
    for name, tensor in SmallSam(weights="vit_nano.safetensors").state_dict().items():
        assert torch.equal(tensor, averaged[f"sam.{name}"].half().float()), name
    strict_of_nothing = {"predicted_iou_threshold": -9.0, "stability_threshold": 0.0}
    proposer = SegmentAnything(
        "vit_nano", "vit_nano.safetensors", points_per_side=4, **strict_of_nothing
    )
    windows = torch.randint(0, 256, (2, 3, 192, 192), dtype=torch.uint8)
    found = proposer.propose(windows)
    assert [masks.layers.shape[-2:] for masks in found] == [(192, 192)] * 2
    assert all(len(masks) > 0 for masks in found)


@pytest.mark.parametrize("wrong", [{"panoramas": 0}, {"windows": 0}, {"photographs": 100_001}])
def test_counts_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"data.{next(iter(wrong))} is"):
        InstanceDataModule(**wrong)
