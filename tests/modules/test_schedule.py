"""The learning rate from the first step to beyond the last."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from torch import nn

from goodsam_pl.modules import JointDistillation, SourceSegmentation


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
