"""Run lengths are pycocotools' own, character by character."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from goodsam_pl.masks.coco import compress_counts, counts_of, decompress_counts, mask_of

pycocotools = pytest.importorskip("pycocotools.mask")

masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40)))
boxes = st.tuples(*[st.integers(0, 200)] * 4).map(
    lambda box: np.pad(
        np.ones((box[0] + 1, box[1] + 1), dtype=bool), ((box[2], 9), (box[3], box[2]))
    )
)


@given(st.one_of(masks, boxes))
def test_text_and_counts_are_those_of_pycocotools(mask: np.ndarray) -> None:
    counts = counts_of(mask)
    theirs = pycocotools.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compress_counts(counts) == theirs["counts"].decode()
    assert decompress_counts(theirs["counts"].decode()) == counts
    assert (mask_of(counts, mask.shape) == mask).all()


def test_counts_go_down_the_columns_and_begin_with_the_background() -> None:
    mask = np.array([[1, 0], [1, 0], [0, 1]], dtype=bool)
    assert counts_of(mask) == [0, 2, 3, 1]
    assert counts_of(np.zeros((2, 2), dtype=bool)) == [4]


@pytest.mark.parametrize("text", ["\x00", "ü", "~~", "P", "o" * 14 + "0"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="compressed counts"):
        decompress_counts(text)


@pytest.mark.parametrize("counts", [[], [3], [5], [-1, 5], [[2, 2]]])
def test_counts_that_do_not_fill_the_mask_are_refused(counts: list) -> None:
    with pytest.raises(ValueError, match="do not fill 2 × 2"):
        mask_of(counts, (2, 2))
