"""Records say exactly what went in, and the same masks make the same bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from goodsam_pl.sam.masks import LogitFrame, WindowMasks
from goodsam_pl.sam.records import FORMAT, decode_layers, decode_masks, encode_masks

HEADER = {"format": FORMAT, "key": "k", "fingerprint": "f"}


def pack(binary: Tensor, logits: bool = True) -> WindowMasks:
    scores = torch.rand(len(binary), generator=torch.Generator().manual_seed(len(binary)))
    coarse = torch.randn(len(binary), 4, 4, generator=torch.Generator().manual_seed(1)) * 4
    frame = LogitFrame(8, 8, 8) if logits else None
    return WindowMasks.pack(binary, scores, 1 - scores, coarse if logits else None, frame)


windows = st.lists(
    arrays.arrays(np.bool_, st.tuples(st.integers(0, 5), st.just(6), st.just(5)))
    .map(torch.from_numpy)
    .map(pack),
    min_size=1,
    max_size=4,
)


@given(windows)
def test_what_comes_out_is_what_went_in(masks: list[WindowMasks]) -> None:
    found = decode_masks(encode_masks(masks, HEADER), HEADER)
    assert len(found) == len(masks)
    for before, after in zip(masks, found, strict=True):
        for name in ("layers", "predicted_iou", "stability", "boxes", "areas"):
            assert torch.equal(getattr(before, name), getattr(after, name)), name
        assert after.frame == before.frame
        assert torch.equal(after.binary(), before.binary())


@given(windows)
def test_logits_are_kept_to_a_thirty_second_between_minus_eight_and_eight(
    masks: list[WindowMasks],
) -> None:
    found = decode_masks(encode_masks(masks, HEADER), HEADER)
    for before, after in zip(masks, found, strict=True):
        assert after.logits is not None
        assert before.logits is not None
        assert after.logits.dtype == torch.float16
        expected = before.logits.clamp(-8, 8)
        assert ((after.logits.float() - expected).abs() <= 1 / 32).all()


@given(windows)
def test_layers_alone_are_padded_to_the_deepest_window(masks: list[WindowMasks]) -> None:
    layers = decode_layers(encode_masks(masks, HEADER), HEADER)
    assert layers.shape == (len(masks), max(1, *(len(own.layers) for own in masks)), 6, 5)
    for padded, own in zip(layers, masks, strict=True):
        assert torch.equal(padded[: len(own.layers)], own.layers)
        assert (padded[len(own.layers) :] == -1).all()


def test_the_same_masks_make_the_same_bytes() -> None:
    masks = [pack(torch.ones(2, 6, 5, dtype=torch.bool))]
    assert encode_masks(masks, HEADER) == encode_masks(masks, dict(reversed(HEADER.items())))


def test_masks_without_logits_stay_without() -> None:
    masks = [pack(torch.ones(1, 6, 5, dtype=torch.bool), logits=False)]
    found = decode_masks(encode_masks(masks, HEADER), HEADER)[0]
    assert found.logits is None
    assert found.frame is None


def test_numpy_opens_a_record() -> None:
    content = encode_masks([pack(torch.ones(3, 6, 5, dtype=torch.bool))], HEADER)
    with np.load(io.BytesIO(content)) as record:
        assert record["counts"].tolist() == [3]
        assert record["layers"].shape == (3, 6, 5)
        assert record["areas"].tolist() == [30, 30, 30]


@pytest.mark.parametrize("decode", [decode_masks, decode_layers])
def test_a_header_that_says_otherwise_is_refused(decode) -> None:
    content = encode_masks([pack(torch.ones(1, 6, 5, dtype=torch.bool))], HEADER)
    with pytest.raises(ValueError, match="fingerprint is 'f' instead of 'g'"):
        decode(content, HEADER | {"fingerprint": "g"})
