"""SAM's training: values of the loss, phases, schedule."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
from instance_fakes import Stripes

from goodsam_pl.data import ClickBatch, InstanceWindows
from goodsam_pl.data.instance_windows import collate_clicks
from goodsam_pl.modules import NotFiniteError, SamTraining
from goodsam_pl.modules.sam.sam_training import warm_cosine
from goodsam_pl.networks.small_sam import SmallSam


class Training(SamTraining):
    """Keeps what it logs."""

    logged: dict[str, float]

    def log(self, name: str, value: Tensor, **_: object) -> None:
        self.logged[name.removeprefix("train/")] = float(value)

    def log_dict(self, values: dict[str, Tensor], **_: object) -> None:
        for name, value in values.items():
            self.log(name, value)


def training(**options: int) -> Training:
    torch.manual_seed(3)
    module = Training(SmallSam(), **options).train()
    module.logged = {}
    return module


@pytest.fixture(scope="module")
def batch() -> ClickBatch:
    windows = InstanceWindows(Stripes(wraps=True), Stripes(wraps=False), 0.125, 8, 4)
    random = np.random.default_rng([0, 5])
    return collate_clicks([windows.draw(random) for _ in range(2)])


def gradient_norm(module: torch.nn.Module) -> float:
    gradients = [each.grad for each in module.parameters() if each.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients))


def test_losses_are_those_that_the_shipped_weights_were_trained_by(
    batch: ClickBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of the script that trained them, for this batch, these weights and these draws."""
    monkeypatch.setattr(SamTraining, "share_of_others", lambda _: 0.5)
    module = training(encoder_steps=0)
    torch.manual_seed(7)
    module.training_step(batch, 0).backward()
    assert module.logged == pytest.approx(
        {
            "focal": 0.1675841212272644,
            "dice": 0.8307214975357056,
            "iou": 0.009816995821893215,
            "affinity": 1.60784912109375,
            "reached": 0.06851443648338318,
            "loss": 5.800070285797119,
        },
        rel=1e-4,
    )
    assert gradient_norm(module) == pytest.approx(44.057491302490234, rel=1e-3)


def test_the_encoder_learns_alone_at_first(batch: ClickBatch) -> None:
    module = training(encoder_steps=1)
    module.training_step(batch, 0).backward()
    assert module.logged == pytest.approx({"affinity": 1.607849, "loss": 1.607849}, rel=1e-4)
    assert all(each.grad is None for each in module.sam.mask_decoder.parameters())
    assert gradient_norm(module.sam.image_encoder) > 0


def test_the_masks_that_are_not_best_count_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    module = training(encoder_steps=100, together_steps=600)
    shares = []
    for step in (100, 400, 700, 5000):
        monkeypatch.setattr(SamTraining, "global_step", step)
        shares.append(module.share_of_others())
    assert shares == pytest.approx([2 / 3, 1 / 3, 0.1, 0.1])


def test_a_loss_that_is_not_finite_ends_the_training(batch: ClickBatch) -> None:
    module = training()
    with pytest.raises(NotFiniteError, match="affinity nan"):
        module.training_step(batch._replace(image=batch.image * float("nan")), 0)


def test_the_learning_rate_warms_up_and_cools_down() -> None:
    rates = [warm_cosine(step, 1000, 200) for step in (0, 100, 199, 200, 600, 999)]
    assert rates == pytest.approx([0.005, 0.505, 1.0, 1.0, 0.505, 0.010003816756])
    assert warm_cosine(10**6, float("inf"), 200) == 1.0
