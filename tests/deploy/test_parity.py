"""A file that says something else is told from one that rounds otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from goodsam_pl.deploy.parity import compare_labels, compare_logits, sizes_to_compare
from goodsam_pl.deploy.uint8_network import Uint8Network
from goodsam_pl.networks import SegmentationNetwork

SIZES = ((8, 16), (9, 17))


def _run(network: nn.Module, add: float = 0.0) -> Any:
    graph = Uint8Network(network)

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            logits: NDArray[np.float32] = graph(torch.from_numpy(images)).numpy().copy()
        logits[:, 0, 0, 0] += add
        return logits

    return run


def test_the_largest_difference_of_any_logit_is_found(tiny: nn.Module) -> None:
    parity = compare_logits(_run(tiny, add=0.5), tiny, SIZES)
    assert parity.difference == pytest.approx(0.5, abs=1e-5)
    with pytest.raises(ValueError, match=r"the file does not say .* by at most 5\.0e-01.*at 16×8"):
        parity.check("the file")


def test_rounding_is_no_difference(tiny: nn.Module) -> None:
    parity = compare_logits(_run(tiny, add=1e-6), tiny, SIZES)
    parity.check("the file")
    assert parity.difference is not None
    assert parity.difference < 1e-5
    assert parity.equal == 1.0


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_what_is_no_number_is_a_difference(tiny: nn.Module, answer: float) -> None:
    with pytest.raises(ValueError, match="does not say"):
        compare_logits(_run(tiny, add=answer), tiny, SIZES).check("the file")


def test_an_answer_of_another_size_is_a_difference(tiny: nn.Module) -> None:
    def smaller(images: NDArray[np.uint8]) -> NDArray[Any]:
        return _run(tiny)(images)[..., :-1]

    for compare in (compare_logits, compare_labels):
        with pytest.raises(ValueError, match="does not say"):
            compare(smaller, tiny, SIZES).check("the file")


def test_labels_are_counted(tiny: nn.Module) -> None:
    def one_off(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        labels: NDArray[np.int64] = _run(tiny)(images).argmax(axis=1)
        labels[0, 0, 0] += 1
        return labels

    parity = compare_labels(one_off, tiny, ((8, 16),))
    assert parity.equal == pytest.approx(1 - 1 / 128)
    assert str(parity) == "99.219% of labels are the same, at 16×8"
    with pytest.raises(ValueError, match="does not say"):
        parity.check("the file")


def test_sizes_are_those_that_the_network_takes() -> None:
    circular = sizes_to_compare(SegmentationNetwork(circular=True), (192, 1024))
    assert circular[-1] == (192, 1024)
    assert all(width % 32 == 0 for _, width in circular)
    assert any(height % 32 for height, _ in circular)
    assert any(width % 32 for _, width in sizes_to_compare(SegmentationNetwork(), None))
