"""What a record has to be before its numbers are used: they may come from anybody.

A record of a few kilobytes can claim layers of gigabytes. Its claims are checked against each other
and against the size of the file before anything of that size is made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goodsam_pl.masks.container import Array

__all__ = ["check_arrays", "check_header", "check_layers", "memory_for"]

_LEAST_MEMORY = 200 << 20
_EXPANSION = 400
_MOST_MASKS = 1 << 15  # of a window: ids are int16


def memory_for(size: int) -> int:
    """Bytes that a file of so many bytes may unpack to, our choice.

    Records of ours unpack to 20 to 150 times their size.
    """
    return max(_LEAST_MEMORY, _EXPANSION * size)


def check_header(header: Mapping[str, Any], memory: int) -> None:
    """Refuse sizes and counts that are none, or too many.

    Args:
        header: of a record.
        memory: bytes that its layers may take.

    Raises:
        ValueError: with what is wrong.
    """
    size, cells, masks = (_list(header, name) for name in ("size", "cells", "masks"))
    if not _are_numbers(size, 1) or len(size) != 2:
        raise ValueError("its size is no height and width")
    pixels = math.prod(size)
    if not _are_numbers(cells, 1, pixels) or not cells:
        raise ValueError("its numbers of cells are none")
    if not _are_numbers(masks, 0, _MOST_MASKS) or len(masks) != len(cells):
        raise ValueError("its numbers of masks are none")
    if 2 * pixels * len(cells) > memory:
        raise ValueError(f"it claims {len(cells)} windows of {size[0]} × {size[1]} pixels")


def check_arrays(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Refuse arrays that are not what the header says, or point to cells that do not exist.

    Args:
        header: checked already.
        arrays: all of a record, or those before the scores.

    Raises:
        ValueError: with what is wrong.
    """
    cells, masks = sum(header["cells"]), sum(header["masks"])
    pixels = math.prod(header["size"]) * len(header["cells"])
    shapes: dict[str, tuple[int | None, ...]] = {
        "run_counts": (cells,),
        "run_steps": (2, None),
        "cell_counts": (masks,),
        "cell_steps": (None,),
        "mask_layers": (masks,),
    }
    for name, shape in shapes.items():
        _expect(arrays, name, shape, "u")
    runs, pairs = arrays["run_steps"].shape[1], len(arrays["cell_steps"])
    if int(arrays["run_counts"].sum(dtype=np.uint64)) != runs or runs > pixels:
        raise ValueError("its runs are not as many as it says")
    if int(arrays["cell_counts"].sum(dtype=np.uint64)) != pairs:
        raise ValueError("the cells of its masks are not as many as it says")
    steps = arrays["cell_steps"]
    if pairs and int(np.cumsum(steps, dtype=steps.dtype).max()) >= cells:
        raise ValueError("its masks name cells that it does not have")
    if "scores" in arrays:
        _expect(arrays, "scores", (2, masks), "f")
    if "logits" in arrays:
        _expect(arrays, "logits", (masks, None, None), "i")
        if not _are_numbers(header.get("frame"), 1) or len(header["frame"]) != 3:
            raise ValueError("it does not say where its logits lie")


def check_layers(header: Mapping[str, Any], mask_layers: Array, memory: int) -> None:
    """Refuse layers that would not fit into memory.

    Raises:
        ValueError: with their number.
    """
    depth = int(mask_layers.max()) + 1 if len(mask_layers) else 0
    pixels = math.prod(header["size"]) * len(header["cells"])
    # tables are padded to the next power of two
    if 2 * pixels * (1 << max(0, depth - 1).bit_length()) > memory:
        raise ValueError(f"it claims {depth} layers of {pixels:,} pixels")


def _expect(arrays: Mapping[str, Array], name: str, shape: Sequence[int | None], kind: str) -> None:
    array = arrays.get(name)
    if array is None:
        raise ValueError(f"it has no {name}")
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != kind:
        raise ValueError(f"its {name} are {array.dtype} of shape {array.shape}")


def _list(header: Mapping[str, Any], name: str) -> list[Any]:
    found = header.get(name)
    if not isinstance(found, list):
        raise ValueError(f"its {name} is no list")  # noqa: TRY004  # of a file
    return found


def _are_numbers(values: Any, least: int, most: int = 1 << 31) -> bool:
    return isinstance(values, list) and all(
        isinstance(each, int) and not isinstance(each, bool) and least <= each <= most
        for each in values
    )
