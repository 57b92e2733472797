"""Masks packed one by one are those packed together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.packing import MaskPacker

stacks = arrays.arrays(
    np.bool_, st.tuples(st.integers(0, 12), st.integers(1, 9), st.integers(1, 9))
)


@given(stacks)
def test_the_result_is_that_of_all_at_once(binary: np.ndarray) -> None:
    scores = np.linspace(0, 1, 2 * len(binary), dtype=np.float32).reshape(2, -1)
    packer = MaskPacker(binary.shape[1:])
    for mask, iou, stability in zip(binary, *scores, strict=True):
        packer.add(mask, float(iou), float(stability))
    expected = WindowMasks.pack(torch.from_numpy(binary), *map(torch.from_numpy, scores))
    for name in ("layers", "predicted_iou", "stability", "boxes", "areas"):
        found, wanted = getattr(packer.pack(), name), getattr(expected, name)
        assert found.dtype == wanted.dtype, name
        assert torch.equal(found, wanted), name


def test_masks_without_end_on_top_of_each_other_are_refused() -> None:
    packer = MaskPacker((4, 4))
    for _ in range(300):
        packer.add(np.ones((4, 4), bool), 1.0, 1.0)
    with pytest.raises(ValueError, match="more than 256 masks overlap: leave out"):
        packer.pack()
