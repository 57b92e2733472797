from __future__ import annotations

import pytest
import torch
from torch import nn

from goodsam_pl.networks.allowance import Allowance

MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    "make",
    [torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn],
    ids=lambda f: f.__name__,
)
def test_small_files_may_describe_64_mebibytes_and_not_a_byte_more(make) -> None:
    with torch.device("meta"):
        with Allowance(0):
            make((64, MEBIBYTE // 4))
        with (
            pytest.raises(ValueError, match="describes a network that is larger than its weights"),
            Allowance(0),
        ):
            make((64 * MEBIBYTE // 4 + 1,))


def test_larger_files_may_describe_four_times_their_size_more() -> None:
    floats = (64 + 4 * 100) * MEBIBYTE // 4
    with torch.device("meta"):
        with Allowance(100 * MEBIBYTE):
            torch.empty(floats)
        with pytest.raises(ValueError, match="larger"), Allowance(100 * MEBIBYTE):
            torch.empty(floats + 1)


def test_tensors_are_counted_together() -> None:
    with torch.device("meta"), Allowance(0):
        torch.empty(40 * MEBIBYTE // 4)
        with pytest.raises(ValueError, match="larger"):
            torch.full((25 * MEBIBYTE // 4,), 1.0)


def test_a_layer_is_refused_before_its_memory_is_taken() -> None:
    with pytest.raises(ValueError, match="larger"), Allowance(1000):
        nn.Linear(1 << 20, 1 << 20)


def test_what_fits_is_computed_as_elsewhere() -> None:
    torch.manual_seed(0)
    expected = nn.Conv2d(3, 8, 3)
    torch.manual_seed(0)
    with Allowance(0):
        found = nn.Conv2d(3, 8, 3)
    assert torch.equal(found.weight, expected.weight)
    assert torch.equal(found.bias, expected.bias)
