"""The learning rate from the first step to beyond the last."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from goodsam_pl.modules import JointDistillation, SourceSegmentation
from goodsam_pl.networks import DeepLabV2Network


@pytest.mark.parametrize(
    ("warmup", "expected"),
    [
        (0, [1, 3 / 4, 2 / 4, 1 / 4, 0, 0, 0]),
        (1, [1 / 2, 3 / 4, 2 / 4, 1 / 4, 0, 0, 0]),
        (3, [1 / 4, 2 / 4 * 3 / 4, 3 / 4 * 2 / 4, 1 / 4, 0, 0, 0]),
    ],
)
def test_it_ends_at_nothing_and_stays_there(warmup: int, expected: list[float]) -> None:
    module = SourceSegmentation(nn.Conv2d(3, 19, 1), learning_rate=2.0, warmup_steps=warmup)
    module._trainer = SimpleNamespace(estimated_stepping_batches=4)
    made = module.configure_optimizers()
    rates = []
    for _ in expected:
        rates.append([group["lr"] for group in made["optimizer"].param_groups])
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
    assert made["lr_scheduler"]["interval"] == "step"
    for group in zip(*rates, strict=True):
        assert group == pytest.approx([2.0 * share for share in expected])


def test_deeplabs_recipe_has_momentum_and_a_power() -> None:
    module = SourceSegmentation(
        DeepLabV2Network("resnet18", classes=19),
        learning_rate=2.0,
        weight_decay=0.5,
        warmup_steps=0,
        optimizer="sgd",
        head_learning_rate_scale=10.0,
    )
    module._trainer = SimpleNamespace(estimated_stepping_batches=4)
    made = module.configure_optimizers()
    assert isinstance(made["optimizer"], torch.optim.SGD)
    groups = {
        id(parameter): (group["lr"], group["weight_decay"], group["momentum"])
        for group in made["optimizer"].param_groups
        for parameter in group["params"]
    }
    network = module.network
    assert groups[id(network.encoder.conv1.weight)] == (2.0, 0.5, 0.9)
    assert groups[id(network.head.branches[0].weight)] == (20.0, 0.5, 0.9)
    assert groups[id(network.head.branches[0].bias)] == (40.0, 0.0, 0.9)
    assert id(network.encoder.bn1.weight) not in groups  # frozen
    rates = []
    for _ in range(5):
        rates.append(made["optimizer"].param_groups[-1]["lr"])
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
    assert rates == pytest.approx([2.0 * (1 - step / 4) ** 0.9 for step in range(5)])


def test_the_head_of_adamw_has_one_rate() -> None:
    module = SourceSegmentation(
        DeepLabV2Network("resnet18", classes=19), head_learning_rate_scale=10
    )
    assert module.learning_rate_scale("network.head.branches.0.bias") == 10.0
    assert module.learning_rate_scale("network.encoder.conv1.weight") == 1.0


def test_a_teacher_that_trains_along_has_its_share_of_the_rate_and_the_same_decay() -> None:
    module = JointDistillation(
        nn.Conv2d(3, 19, 1),
        nn.Conv2d(3, 19, 1),
        learning_rate=2.0,
        teacher_learning_rate_scale=0.25,
        weight_decay=0.5,
        warmup_steps=0,
    )
    module._trainer = SimpleNamespace(estimated_stepping_batches=4)
    groups = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in module.configure_optimizers()["optimizer"].param_groups
        for parameter in group["params"]
    }
    for network, rate in ((module.student, 2.0), (module.teacher_assistant, 0.5)):
        assert groups[id(network.weight)] == (rate, 0.5)
        assert groups[id(network.bias)] == (rate, 0.0)
