"""A frozen network changes nothing but what it is asked for."""

from __future__ import annotations

import torch
from torch import nn

from goodsam_pl.networks import FrozenNetwork


def test_frozen_networks_are_out_of_state_dicts_under_any_prefix() -> None:

    outer = nn.ModuleDict({"inner": nn.ModuleDict({"teacher": FrozenNetwork(nn.Linear(2, 2))})})
    outer["own"] = nn.Linear(1, 1)
    state = outer.state_dict()
    assert set(state) == {"own.weight", "own.bias"}
    before = outer["inner"]["teacher"].network.weight.clone()
    assert not outer.load_state_dict(state).missing_keys
    assert torch.equal(outer["inner"]["teacher"].network.weight, before)
    outer.train()
    assert not outer["inner"]["teacher"].network.training
    assert not outer["inner"]["teacher"](torch.ones(1, 2)).requires_grad
