"""The average of weights, step by step."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from goodsam_pl.callbacks import WarmedAverage


class Climbing(LightningModule):
    """A weight that is 1, 2, 3, … after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return -self.weight

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


@pytest.mark.parametrize("decay", [0.999, 0.25])
def test_the_decay_grows_until_its_highest(decay: float) -> None:
    module = Climbing()
    Trainer(
        max_steps=4,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[WarmedAverage(decay)],
    ).fit(module, DataLoader(torch.zeros(4)))
    expected = 1.0
    for step in (1, 2, 3):
        now = min(decay, (1 + step) / (10 + step))
        expected = now * expected + (1 - now) * (step + 1)
    assert float(module.weight) == pytest.approx(expected)
