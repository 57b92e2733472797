"""Eight bits where they save something, and nowhere else."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from torch import nn

from goodsam_pl.deploy import OnnxRunner, Uint8Network, onnx_model
from goodsam_pl.deploy.int8_file import quantize


@pytest.fixture
def images() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (1, 3, 32, 64), dtype=np.uint8) for _ in range(3)]


def test_inner_layers_have_a_scale_for_each_channel(
    tiny: nn.Module, images: list[np.ndarray]
) -> None:
    model = onnx_model(Uint8Network(tiny))
    small = quantize(model, images)
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in small.graph.initializer}
    weights = [
        constants[node.input[0]]
        for node in small.graph.node
        if node.op_type == "DequantizeLinear" and constants.get(node.input[0]) is not None
    ]
    bytes_of = [each for each in weights if each.dtype == np.int8]
    assert [each.shape for each in bytes_of] == [(8, 8, 1, 1)]  # not first, single or last
    scales = [
        constants[node.input[1]].shape
        for node in small.graph.node
        if node.op_type == "DequantizeLinear" and "middle" in node.input[0]
    ]
    assert (8,) in scales
    assert [each.name for each in (*small.graph.input, *small.graph.output)] == ["images", "logits"]
    before, after = (OnnxRunner(each.SerializeToString())(images[0]) for each in (model, small))
    assert 0 < np.abs(before - after).max() < 0.05 * np.abs(before).max()
