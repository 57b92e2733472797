"""Records say exactly what went in, and the same masks make the same bytes."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from goodsam_pl.masks.container import read_header
from goodsam_pl.masks.records import FORMAT, decode_index_map, decode_masks, encode_masks
from goodsam_pl.masks.window_masks import LogitFrame, WindowMasks

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


@given(windows, st.floats(0.1, 20))
def test_logits_are_kept_in_steps_that_thresholds_do_not_cut(
    masks: list[WindowMasks], spread: float
) -> None:
    masks = [replace(window, logits=window.logits * spread) for window in masks]
    found = decode_masks(encode_masks(masks, HEADER), HEADER)
    for before, after in zip(masks, found, strict=True):
        assert after.logits.dtype == torch.float16
        inside = before.logits.abs() <= 2.5
        assert ((after.logits.float() - before.logits).abs()[inside] <= 0.25).all()
        assert (after.logits.abs() <= 2.25).all()
        for threshold in (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2):
            assert torch.equal(after.logits > threshold, before.logits > threshold)


@given(windows)
def test_the_index_map_alone_gives_layers_padded_to_the_deepest_window(
    masks: list[WindowMasks],
) -> None:
    content = encode_masks(masks, HEADER)
    layers = decode_index_map(io.BytesIO(content), HEADER).layers(least=1)
    assert layers.shape == (len(masks), max(1, *(len(own.layers) for own in masks)), 6, 5)
    for padded, own in zip(layers, masks, strict=True):
        assert torch.equal(padded[: len(own.layers)], own.layers)
        assert (padded[len(own.layers) :] == -1).all()


def test_the_index_map_is_read_without_scores_and_logits() -> None:
    content = encode_masks([pack(torch.ones(2, 6, 5, dtype=torch.bool))], HEADER)
    stream = io.BytesIO(content)
    sizes = {name: size for name, _, _, _, size, _ in read_header(stream)["arrays"]}
    stream.seek(0)
    decode_index_map(stream, HEADER)
    assert stream.tell() == len(content) - sizes["scores"] - sizes["logits"]


def test_the_same_masks_make_the_same_bytes() -> None:
    masks = [pack(torch.ones(2, 6, 5, dtype=torch.bool))]
    assert encode_masks(masks, HEADER) == encode_masks(masks, dict(reversed(HEADER.items())))


def test_masks_without_logits_stay_without() -> None:
    masks = [pack(torch.ones(1, 6, 5, dtype=torch.bool), logits=False)]
    found = decode_masks(encode_masks(masks, HEADER), HEADER)[0]
    assert found.logits is None
    assert found.frame is None


def test_logits_can_be_dropped() -> None:
    masks = [pack(torch.ones(1, 6, 5, dtype=torch.bool))]
    content = encode_masks(masks, HEADER, logits=False)
    assert len(content) < len(encode_masks(masks, HEADER))
    found = decode_masks(content, HEADER)[0]
    assert found.logits is None
    assert torch.equal(found.binary(), masks[0].binary())


@pytest.mark.parametrize(
    "decode", [decode_masks, lambda *args: decode_index_map(io.BytesIO(args[0]), args[1])]
)
def test_a_header_that_says_otherwise_is_refused(decode) -> None:
    content = encode_masks([pack(torch.ones(1, 6, 5, dtype=torch.bool))], HEADER)
    with pytest.raises(ValueError, match="fingerprint is 'f' instead of 'g'"):
        decode(content, HEADER | {"fingerprint": "g"})


@pytest.mark.parametrize("size", [(300, 20), (20, 300), (3, 70_000)])
def test_windows_of_any_size(size: tuple[int, int]) -> None:
    binary = torch.rand(7, *size, generator=torch.Generator().manual_seed(0)) > 0.5
    binary[:, :, 5:] = binary[:, :, 5:6]
    masks = [WindowMasks.pack(binary, torch.rand(7), torch.rand(7))]
    found = decode_masks(encode_masks(masks, HEADER), HEADER)
    assert torch.equal(found[0].layers, masks[0].layers)
