"""A look at networks leaves no trace in their modes, their buffers or the random states."""

from __future__ import annotations

import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from goodsam_pl.callbacks.onlooker import looking_on


@pytest.fixture
def network():
    """In training mode, but for its frozen middle."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    layers[1].eval()
    return layers


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002, S311


def seed():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)


def test_networks_answer_in_evaluation_mode_without_gradients(network):
    x = torch.ones(2, 4)
    with looking_on(network):
        assert [part.training for part in network.modules()] == [False] * 4
        first, second = network(x), network(x)
    assert torch.equal(first, second)  # nothing is dropped
    assert not first.requires_grad
    assert network(x).requires_grad


@pytest.mark.parametrize("fails", [False, True])
def test_each_layer_is_in_its_own_mode_again(network, fails):
    before = [part.training for part in network.modules()]
    assert before == [True, True, False, True]
    expectation = pytest.raises(ZeroDivisionError) if fails else nullcontext()
    with expectation, looking_on(network):
        1 / (0 if fails else 1)
    assert [part.training for part in network.modules()] == before
    assert torch.is_grad_enabled()


def test_random_states_and_buffers_stay(network):
    buffers = [each.clone() for each in network.buffers()]
    seed()
    expected = draws()
    seed()
    with looking_on(network):
        network(torch.randn(8, 4))
        draws()
    assert draws() == expected
    assert all(map(torch.equal, buffers, network.buffers()))
