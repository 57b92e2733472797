"""Where L_bd is taken, and what each of its halves weighs, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from goodsam_pl.losses import boundary_loss

WIDTH = 24


def _two_steps(small: float, large: float) -> Tensor:
    """Two classes that change by so much after columns 5 and 14, ``(1, 2, 6, W)``."""
    first = torch.full((1, 6, WIDTH), 0.5)
    first[..., 6:] += small
    first[..., 15:] -= large
    return torch.stack([first, 1 - first], dim=1)


def _at(*columns: int) -> Tensor:
    marked = torch.zeros(1, 6, WIDTH, dtype=torch.bool)
    marked[..., list(columns)] = True
    return marked


def _up_to(end: int) -> Tensor:
    where = torch.zeros(6, WIDTH, dtype=torch.bool)
    where[:, 2:end] = True
    return where


@pytest.mark.parametrize(
    ("where", "hits"), [(_up_to(10), [0.25]), (_up_to(20), [0.25, 0.5])], ids=["one", "both"]
)
def test_edges_that_take_no_part_are_not_asked_for(where: Tensor, hits: list[float]) -> None:
    # all that changes is marked, so that the rest has nothing to say but the least loss
    found = boundary_loss(_two_steps(0.25, 0.5), _at(5, 14), where)
    hit = -sum(math.log(each) for each in hits) / len(hits)
    assert found.item() == pytest.approx((hit - math.log(1 - 1e-4)) / 2, rel=1e-4)


def test_changes_that_nobody_asked_for_count_where_they_take_part() -> None:
    expected = (-math.log(0.25) - math.log(1 - 1e-4)) / 2
    apart = boundary_loss(_two_steps(0.25, 0.5), _at(5), _up_to(11)).item()
    assert apart == pytest.approx(expected, rel=1e-4)
    # the step after column 14 is not marked; a pixel of it costs log 2, one of at most 18
    among = boundary_loss(_two_steps(0.25, 0.5), _at(5), _up_to(20)).item()
    assert among > expected + math.log(2) / 18 / 2


def test_beside_an_edge_nothing_is_asked() -> None:
    # the change is a column beside its mark: a hit, and no mistake
    found = boundary_loss(_two_steps(0.25, 0.0), _at(6), _up_to(20))
    assert found.item() == pytest.approx((-math.log(0.25) - math.log(1 - 1e-4)) / 2, rel=1e-4)
