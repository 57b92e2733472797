"""No weight becomes NaN: the step before it ends the training, and says of which images."""

from __future__ import annotations

import math

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.utils.data import DataLoader

from goodsam_pl.data import SourceSample, collate_sources
from goodsam_pl.modules import NotFiniteError, SourceSegmentation
from goodsam_pl.modules.not_finite import refuse_not_finite


class _Steep(torch.autograd.Function):
    """The identity, with a gradient that is none."""

    @staticmethod
    def forward(ctx, numbers):
        return numbers.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.inf


class Sick(nn.Module):
    """Falls ill at its third step."""

    def __init__(self, illness: str) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 19, 1)
        self.illness = illness
        self.steps = 0

    def forward(self, images):
        logits = self.layer(images)
        if not self.training:
            return logits
        self.steps += 1
        if self.steps < 3:
            return logits
        return logits * math.nan if self.illness == "loss" else _Steep.apply(logits)


@pytest.mark.parametrize(
    ("illness", "told"),
    [("loss", "cross_entropy nan"), ("gradient", "norm of gradients (nan|inf)")],
)
def test_a_training_ends_before_its_weights_are_harmed(illness, told, tmp_path):
    torch.manual_seed(0)
    samples = [
        SourceSample(torch.randn(3, 8, 8), torch.randint(0, 19, (8, 8)), f"city/{index}")
        for index in range(8)
    ]
    network = Sick(illness)
    trainer = Trainer(max_steps=4, accelerator="cpu", logger=False, enable_checkpointing=False,
                      enable_progress_bar=False, enable_model_summary=False,
                      default_root_dir=tmp_path)  # fmt: skip
    loader = DataLoader(samples, batch_size=2, collate_fn=collate_sources)
    with pytest.raises(NotFiniteError, match=rf"{told}, of city/4, city/5: look at these images"):
        trainer.fit(SourceSegmentation(network, warmup_steps=0), loader)
    assert trainer.global_step == 2
    assert all(torch.isfinite(each).all() for each in network.parameters())


def test_numbers_pass_and_others_are_told_by_term():
    fine = torch.tensor(1.0)
    refuse_not_finite(fine, {"a": fine})
    terms = {"ensemble": fine, "boundary": torch.tensor(math.inf)}
    with pytest.raises(NotFiniteError, match="ensemble 1, boundary inf, of a, b: look"):
        refuse_not_finite(torch.tensor(math.inf), terms, ["a", "b"])
    with pytest.raises(NotFiniteError, match=r"of 0, 1, 2, 3, 4, 5, 6, 7 …: look"):
        refuse_not_finite(torch.tensor(math.nan), terms, [str(index) for index in range(20)])
