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
from goodsam_pl.losses import affinity_loss, anchor_loss
from goodsam_pl.modules import NotFiniteError, SamTraining
from goodsam_pl.modules.sam.click_targets import block_ids, patch_shares
from goodsam_pl.modules.sam.sam_training import warm_stable_decay
from goodsam_pl.networks.small_sam import SmallSam
from goodsam_pl.networks.small_sam_encoder import split_embedding


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


def test_the_loss_is_the_weighted_sum_of_its_terms(batch: ClickBatch) -> None:
    module = training(encoder_steps=0)
    module.weights = {"focal": 20.0, "dice": 2.0, "iou": 3.0, "affinity": 0.5, "anchors": 0.25}
    module.training_step(batch, 0).backward()
    terms = {name: module.logged[name] for name in module.weights}
    assert all(value > 0 for value in terms.values())
    weighted = sum(weight * terms[name] for name, weight in module.weights.items())
    assert module.logged["loss"] == pytest.approx(weighted, rel=1e-5)
    assert 0 <= module.logged["reached"] <= 1
    assert gradient_norm(module.sam.mask_decoder) > 0


def test_the_terms_are_those_of_what_the_sam_says(batch: ClickBatch) -> None:
    module = training(encoder_steps=0)
    torch.manual_seed(7)
    module.training_step(batch, 0)
    torch.manual_seed(7)
    with torch.no_grad():
        packed = module(batch.image)
        embedding, details = split_embedding(packed, 64)
        assert details is not None
        affinity = affinity_loss(embedding, patch_shares(batch.instances, (24, 24)))
        ids = block_ids(batch.instances, (24, 24))
        anchors = anchor_loss(details.sixteenths.reshape(2, -1, 32), ids)
    assert module.logged["affinity"] == pytest.approx(float(affinity), rel=1e-5)
    assert module.logged["anchors"] == pytest.approx(float(anchors), rel=1e-5)


def test_the_encoder_learns_alone_at_first(batch: ClickBatch) -> None:
    module = training(encoder_steps=1)
    module.training_step(batch, 0).backward()
    assert set(module.logged) == {"affinity", "anchors", "loss"}
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
    rates = [warm_stable_decay(step, 1000, 200, 400) for step in (0, 100, 199, 200, 600, 800, 999)]
    assert rates == pytest.approx([0.005, 0.505, 1.0, 1.0, 1.0, 0.5, 0.01])
    assert warm_stable_decay(10**6, float("inf"), 200, 400) == 1.0
