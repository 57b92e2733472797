"""An index map says all that masks say; what follows from it is what counting pixels gives."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from goodsam_pl.masks.index_map import IndexMap
from goodsam_pl.masks.run_steps import decode_runs, encode_runs
from goodsam_pl.masks.window_masks import mask_boxes, mask_layers, unpack_layers

windows = st.lists(
    arrays.arrays(np.bool_, st.tuples(st.integers(0, 7), st.just(5), st.just(6))).map(
        torch.from_numpy
    ),
    min_size=1,
    max_size=4,
)


def overlay(windows: list[Tensor]) -> IndexMap:
    return IndexMap.of([mask_layers(binary) for binary in windows], [*map(len, windows)])


@given(windows)
def test_masks_come_back_from_the_map(windows: list[Tensor]) -> None:
    layers = overlay(windows).layers()
    for own, binary in zip(layers, windows, strict=True):
        assert torch.equal(unpack_layers(own, len(binary)), binary)


@given(windows)
def test_areas_and_boxes_are_those_of_the_masks(windows: list[Tensor]) -> None:
    index_map, binary = overlay(windows), torch.cat(windows)
    assert torch.equal(index_map.areas(), binary.sum(dim=(1, 2)).int())
    assert torch.equal(index_map.boxes(), mask_boxes(binary))


@given(windows)
def test_pixels_share_a_cell_exactly_if_they_share_all_masks(windows: list[Tensor]) -> None:
    index_map = overlay(windows)
    for cells, binary in zip(index_map.cell_map(), windows, strict=True):
        pixels = binary.flatten(1).T
        same_masks = (pixels[:, None] == pixels[None]).all(dim=-1)
        same_cell = cells.flatten()[:, None] == cells.flatten()[None]
        assert torch.equal(same_masks, same_cell)
        assert sorted(cells.unique().tolist()) == list(range(int(cells.max()) + 1))


@given(windows)
def test_runs_come_back_from_their_steps(windows: list[Tensor]) -> None:
    index_map = overlay(windows)
    cells, places = index_map.cells, index_map.places
    runs = encode_runs(cells, places, int(index_map.cell_counts.sum()), index_map.size)
    assert runs.steps.dtype == np.uint8
    found = decode_runs(runs, index_map.cell_counts, index_map.size)
    assert (found[0] == cells).all()
    assert (found[1] == places).all()


def test_a_straight_border_takes_one_step_down_in_each_row() -> None:
    binary = torch.zeros(1, 4, 6, dtype=torch.bool)
    binary[0, :, 3:] = True
    index_map = overlay([binary])
    runs = encode_runs(index_map.cells, index_map.places, 2, (4, 6))
    assert runs.counts.tolist() == [4, 4]
    rows, columns = runs.steps.tolist()
    assert rows == [0, 1, 1, 1, 253, 1, 1, 1]
    assert columns == [0, 0, 0, 0, 3, 0, 0, 0]
