"""Windows with clicks: where they are cut, and that they are what they always were."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from instance_fakes import Stripes

from goodsam_pl.data.instance_windows import InstanceWindows, collate_clicks, cut_window


def windows() -> InstanceWindows:
    return InstanceWindows(Stripes(wraps=True), Stripes(wraps=False), 0.125, 8, 4)


def test_windows_of_a_panorama_cross_its_seam() -> None:
    seen = set()
    for seed in range(20):
        window = cut_window(Stripes(wraps=True), np.random.default_rng(seed), zoom=0.0)
        assert window.image.shape == (192, 192, 3)
        seen |= set(pairwise(window.instances[0].tolist()))
    assert {(7, 0), (0, 7)} & seen


def test_a_visit_is_drawn_from_torch_s_random_numbers() -> None:
    torch.manual_seed(3)
    first = windows()[5]
    other = windows()[5]
    torch.manual_seed(3)
    again = windows()[5]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.image, other.image)
    assert len(windows()) == 8


def test_instances_are_numbered_by_area_and_parts_lie_in_them() -> None:
    batch = collate_clicks([windows()[index] for index in range(2)])
    assert batch.image.shape == (2, 3, 192, 192)
    for instances, points, parts in zip(batch.instances, batch.points, batch.parts, strict=True):
        areas = instances.flatten().bincount()
        assert (areas.diff() <= 0).all()
        columns, rows = points.long().T
        assert parts[torch.arange(4), rows, columns].all()
        assert (instances[None] == instances[rows, columns][:, None, None])[parts].all()


def test_draws_and_values_are_those_that_the_shipped_weights_were_trained_on() -> None:
    """Of the script that trained them: seed, then sums and sums of squares."""
    random = np.random.default_rng([0, 5])
    image, _, points, parts = collate_clicks([windows().draw(random) for _ in range(2)])
    assert float(image.double().sum()) == pytest.approx(32132041.6, rel=1e-6)
    assert float(image.double().square().sum()) == pytest.approx(6066948414.5, rel=1e-6)
    assert float(points.sum()) == 1574.0
    assert float(points.square().sum()) == 208400.0
    assert int(parts.sum()) == 4 * 6151.25
