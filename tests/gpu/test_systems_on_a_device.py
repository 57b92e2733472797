"""Each system of tiny networks trains, goes on and predicts on any device, in 16 bits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

sys.path.insert(0, str(Path(__file__).parents[1] / "modules"))
from tiny import TinyNetwork, loader, panoramas, sources, trainer

from goodsam_pl.modules import (
    JointDistillation,
    SegmentationModule,
    SourceSegmentation,
    StudentDistillation,
    TARectification,
)

SYSTEMS: dict[str, Callable[[], SegmentationModule]] = {
    "source": lambda: SourceSegmentation(TinyNetwork()),
    "rectification": lambda: TARectification(TinyNetwork()),
    "distillation": lambda: StudentDistillation(TinyNetwork(), TinyNetwork()),
    "joint": lambda: JointDistillation(TinyNetwork(), TinyNetwork()),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_two_steps_and_two_more_after_a_stop_leave_finite_weights(
    name: str, device: torch.device, tmp_path: Path
) -> None:
    images = sources if name == "source" else panoramas
    accelerator = "gpu" if device.type == "cuda" else "cpu"
    settings = {"accelerator": accelerator, "devices": 1, "precision": "bf16-mixed"}

    def train(steps: int, start: Path | None) -> SegmentationModule:
        torch.manual_seed(0)
        module = SYSTEMS[name]()
        keep = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=2, save_top_k=-1)
        training = trainer(tmp_path, steps, callbacks=[keep], **settings)
        training.fit(module, loader(images(0), images(1)), ckpt_path=start)
        assert training.global_step == steps
        assert torch.isfinite(training.callback_metrics["train/loss"])
        return module

    begun = train(2, None)
    first = {key: value.cpu().clone() for key, value in begun.state_dict().items()}
    ended = train(4, tmp_path / "step=2.ckpt").state_dict()
    assert all(value.isfinite().all() for value in ended.values())
    assert any(not value.cpu().equal(first[key]) for key, value in ended.items())
    batch = images(0)
    whole = begun.eval().to("cpu").predict_step(batch, 0)
    there = begun.to(device).predict_step(batch.to(device), 0).cpu()
    assert (there == whole).float().mean() > 0.99
