"""Votes in fixed point."""

from __future__ import annotations

import torch

from goodsam_pl.fusion.votes import UNIT, fixed_point


def test_votes_are_rounded_to_the_nearest_unit() -> None:
    units = torch.tensor([0.0, 0.4, 0.6, 1.0, UNIT / 4, 2 * UNIT / 3, UNIT - 0.6, UNIT])
    found = fixed_point(units / UNIT)
    assert found.dtype == torch.int32
    assert found.tolist() == [0, 0, 1, 1, 16384, 43691, 65535, 65536]
