from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goodsam_pl.masks.record_checks import check_arrays, check_header, check_layers, memory_for

HEADER: dict[str, Any] = {"size": [4, 6], "cells": [3, 2], "masks": [2, 1]}
MEMORY = 2 * 24 * 2
"""Bytes that one layer of HEADER takes: two windows of 24 pixels, two bytes each."""


def arrays(**changes: Any) -> dict[str, Any]:
    """Those of a record with five cells and three masks, some replaced, or left out by None."""
    made = {
        "run_counts": np.array([1, 1, 2, 1, 1], np.uint8),
        "run_steps": np.ones((2, 6), np.uint8),
        "cell_counts": np.array([2, 1, 1], np.uint8),
        "cell_steps": np.array([1, 1, 1, 1], np.uint8),
        "mask_layers": np.array([0, 1, 0], np.uint8),
        **changes,
    }
    return {name: array for name, array in made.items() if array is not None}


def test_files_may_unpack_to_400_times_their_size_and_small_ones_to_more() -> None:
    assert memory_for(0) == memory_for(1000) == 200 * 2**20
    assert memory_for(10**7) == 4 * 10**9


def test_sound_headers_and_arrays_pass() -> None:
    check_header(HEADER, MEMORY)
    check_arrays(HEADER, arrays())
    check_arrays(HEADER, arrays(scores=np.zeros((2, 3), np.float16)))
    logits = np.zeros((3, 8, 8), np.int8)
    check_arrays({**HEADER, "frame": [8, 8, 8]}, arrays(logits=logits))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": None}, "its size is no list"),
        ({"size": [4]}, "its size is no height and width"),
        ({"size": [4, 0]}, "its size is no height and width"),
        ({"size": [4, True]}, "its size is no height and width"),
        ({"size": [4.0, 6]}, "its size is no height and width"),
        ({"size": [4, 1 << 32]}, "its size is no height and width"),
        ({"cells": []}, "its numbers of cells are none"),
        ({"cells": [0, 2]}, "its numbers of cells are none"),
        ({"cells": [25, 2]}, "its numbers of cells are none"),
        ({"masks": "ab"}, "its masks is no list"),
        ({"masks": [2]}, "its numbers of masks are none"),
        ({"masks": [-1, 1]}, "its numbers of masks are none"),
        ({"masks": [2, 32769]}, "its numbers of masks are none"),
        ({"cells": [1, 1, 1], "masks": [0, 0, 0]}, "it claims 3 windows of 4 × 6 pixels"),
    ],
)
def test_a_header_that_claims_nonsense_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_header({**HEADER, **changes}, MEMORY)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"run_counts": None}, "it has no run_counts"),
        ({"run_counts": np.ones(4, np.uint8)}, r"its run_counts are uint8 of shape \(4,\)"),
        ({"run_counts": np.ones(5, np.int8)}, "its run_counts are int8"),
        ({"run_steps": np.ones(6, np.uint8)}, r"its run_steps are uint8 of shape \(6,\)"),
        ({"run_steps": np.ones((2, 7), np.uint8)}, "its runs are not as many as it says"),
        ({"cell_counts": np.array([2, 2, 1], np.uint8)}, "the cells of its masks"),
        ({"cell_steps": np.array([2, 1, 1, 1], np.uint8)}, "name cells that it does not have"),
        ({"scores": np.zeros((2, 4), np.float16)}, "its scores are float16"),
        ({"scores": np.zeros((2, 3), np.uint8)}, "its scores are uint8"),
        ({"logits": np.zeros((3, 8), np.int8)}, "its logits are int8"),
        ({"logits": np.zeros((3, 8, 8), np.int8)}, "does not say where its logits lie"),
    ],
)
def test_arrays_that_contradict_the_header_are_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        check_arrays(HEADER, arrays(**changes))


def test_more_runs_than_pixels_are_refused() -> None:
    header = {"size": [1, 2], "cells": [2], "masks": [0]}
    empty = np.zeros(0, np.uint8)
    made = arrays(
        run_counts=np.array([2, 1], np.uint8),
        run_steps=np.ones((2, 3), np.uint8),
        cell_counts=empty,
        cell_steps=empty,
        mask_layers=empty,
    )
    with pytest.raises(ValueError, match="its runs are not as many"):
        check_arrays(header, made)


def test_layers_are_counted_as_tables_are_padded() -> None:
    three = np.array([0, 2, 1], np.uint8)
    check_layers(HEADER, three, 4 * MEMORY)
    with pytest.raises(ValueError, match="it claims 3 layers of 48 pixels"):
        check_layers(HEADER, three, 4 * MEMORY - 1)
    check_layers(HEADER, three[:0], MEMORY)
