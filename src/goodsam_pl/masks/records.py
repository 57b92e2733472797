"""The masks of one panorama as bytes; ``docs/mask_store.md`` describes them exactly.

What an index map says once is not written again: areas, boxes and layers follow from it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.masks.container import Array, Packed, read_arrays, read_header, write_arrays
from goodsam_pl.masks.index_map import IndexMap, Integers
from goodsam_pl.masks.record_checks import check_arrays, check_header, check_layers, memory_for
from goodsam_pl.masks.run_steps import RunSteps, decode_runs, encode_runs
from goodsam_pl.masks.window_masks import LogitFrame, WindowMasks

__all__ = ["FORMAT", "LOGIT_STEP", "Header", "decode_index_map", "decode_masks", "encode_masks"]

FORMAT = 2
"""Goes up whenever records are written in another way."""

LOGIT_STEP = 0.5
"""Logits are kept as the step of this height that they lie in."""

Header = Mapping[str, object]

_LOWEST, _HIGHEST = -5, 4


def encode_masks(masks: Sequence[WindowMasks], header: Header, logits: bool = True) -> bytes:
    """Pack the masks of all windows of a panorama.

    Args:
        masks: one set for each window, of one size.
        header: what the record shall say of itself.
        logits: keep them, where all windows have some.
    """
    index_map = IndexMap.of([window.layers for window in masks], [len(window) for window in masks])
    runs = encode_runs(
        index_map.cells, index_map.places, int(index_map.cell_counts.sum()), index_map.size
    )
    scores = [torch.cat([w.predicted_iou for w in masks]), torch.cat([w.stability for w in masks])]
    arrays = {
        "run_counts": _smallest(runs.counts),
        "run_steps": runs.steps,
        "cell_counts": _smallest(
            np.bincount(index_map.pair_masks, minlength=len(index_map.mask_layers))
        ),
        "cell_steps": _steps(index_map.pair_cells),
        "mask_layers": _smallest(index_map.mask_layers),
        "scores": torch.stack(scores).numpy(),
    }
    packed = {name: Packed(array) for name, array in arrays.items()}
    # steps repeat themselves too little to search for more than the last one
    packed["run_steps"] = Packed(runs.steps, strategy=zlib.Z_RLE)
    described: dict[str, Any] = {
        **header,
        "size": list(index_map.size),
        "cells": index_map.cell_counts.tolist(),
        "masks": index_map.mask_counts.tolist(),
    }
    frames = {window.frame for window in masks if window.frame is not None}
    found = [window.logits for window in masks if window.logits is not None]
    if logits and len(found) == len(masks) and len(frames) == 1:
        described["frame"] = list(frames.pop())
        packed["logits"] = Packed(_to_steps(torch.cat(found)), "bz2")
    return write_arrays(described, packed)


def decode_masks(content: bytes, expected: Header) -> list[WindowMasks]:
    """Unpack what :func:`encode_masks` packed, down to the last byte.

    Args:
        content: the bytes.
        expected: entries that the header must have.

    Raises:
        ValueError: the header says otherwise, bytes are damaged, or it claims more than a file of
            its size holds.
    """
    memory = memory_for(len(content))
    stream = io.BytesIO(content)
    header = _expect(read_header(stream), expected)
    check_header(header, memory)
    arrays = read_arrays(stream, header, memory=memory)
    index_map = _index_map(header, arrays, memory)
    counts = header["masks"]
    logits: Sequence[Tensor | None] = [None] * len(counts)
    frame = None
    if "logits" in arrays:
        frame = LogitFrame(*header["frame"])
        logits = _from_steps(arrays["logits"]).split(counts)
    predicted_iou, stability = (
        torch.from_numpy(scores.copy()).split(counts) for scores in arrays["scores"]
    )
    boxes, areas = index_map.boxes().split(counts), index_map.areas().split(counts)
    depths = [layers.max() + 1 if len(layers) else 0 for layers in _by_window(index_map)]
    return [
        WindowMasks(
            layers=layers[: depths[index]].contiguous(),
            predicted_iou=predicted_iou[index],
            stability=stability[index],
            boxes=boxes[index],
            areas=areas[index],
            logits=logits[index],
            frame=frame,
        )
        for index, layers in enumerate(index_map.layers())
    ]


def decode_index_map(stream: BinaryIO, expected: Header) -> IndexMap:
    """Only the masks themselves; scores and logits are not read. Else as :func:`decode_masks`.

    Args:
        stream: the bytes, from the first one on.
        expected: entries that the header must have.
    """
    memory = memory_for(stream.seek(0, io.SEEK_END))
    stream.seek(0)
    header = _expect(read_header(stream), expected)
    check_header(header, memory)
    arrays = read_arrays(stream, header, without=("scores",), memory=memory)
    return _index_map(header, arrays, memory)


def _index_map(header: Mapping[str, Any], arrays: Mapping[str, Array], memory: int) -> IndexMap:
    check_arrays(header, arrays)
    check_layers(header, arrays["mask_layers"], memory)
    height, width = header["size"]
    cell_counts, mask_counts = np.array(header["cells"]), np.array(header["masks"])
    runs = RunSteps(arrays["run_counts"], arrays["run_steps"])
    cells, places = decode_runs(runs, cell_counts, (height, width))
    cell_steps = arrays["cell_steps"]
    return IndexMap(
        size=(height, width),
        cell_counts=cell_counts,
        mask_counts=mask_counts,
        places=places,
        cells=cells,
        pair_masks=np.repeat(np.arange(mask_counts.sum()), arrays["cell_counts"]),
        pair_cells=np.cumsum(cell_steps, dtype=cell_steps.dtype),
        mask_layers=arrays["mask_layers"],
    )


def _by_window(index_map: IndexMap) -> list[Array]:
    return np.split(index_map.mask_layers, np.cumsum(index_map.mask_counts)[:-1])


def _expect(header: dict[str, Any], expected: Header) -> dict[str, Any]:
    wrong = [
        f"{name} is {header.get(name)!r} instead of {value!r}"
        for name, value in expected.items()
        if header.get(name) != value
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    return header


def _to_steps(logits: Tensor) -> Array:
    """Numbers s from -5 to 4 with s / 2 < logit <= (s + 1) / 2; the outer ones are open."""
    steps = (logits.float() / LOGIT_STEP).ceil() - 1
    return steps.clamp(_LOWEST, _HIGHEST).to(torch.int8).numpy()


def _from_steps(steps: Array) -> Tensor:
    """The middle of each step, float16."""
    return (torch.from_numpy(steps.copy()).float() + 0.5).mul(LOGIT_STEP).half()


def _steps(numbers: Integers) -> Integers:
    """Distances, modulo what holds the largest number."""
    return np.diff(numbers, prepend=0).astype(_smallest(numbers).dtype)


def _smallest(numbers: Integers) -> Integers:
    """The same numbers, none below 0, in the smallest type that holds them."""
    largest = int(numbers.max()) if len(numbers) else 0
    return numbers.astype(np.min_scalar_type(largest))
