"""ONNX files say what networks say, at any size, and hold nothing of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

import goodsam_pl
from goodsam_pl.deploy import OnnxRunner, Uint8Network, onnx_model
from goodsam_pl.deploy import extra as extra_module
from goodsam_pl.deploy.extra import need_onnx
from goodsam_pl.deploy.onnx_file import with_card, with_labels
from goodsam_pl.networks import CARD, NetworkCard


@pytest.mark.parametrize("size", [(1, 40, 64), (3, 33, 70)])
def test_one_file_for_every_size(tiny: nn.Module, card: NetworkCard, size: tuple[int, ...]) -> None:
    batch, height, width = size
    model = onnx_model(Uint8Network(tiny))
    images = torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8)
    with torch.no_grad():
        expected = Uint8Network(tiny)(images).numpy()
    logits = OnnxRunner(with_card(model, card, "logits"))(images.numpy())
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
    labels = OnnxRunner(with_card(with_labels(model), card, "labels"))(images.numpy())
    assert labels.dtype == np.uint8
    assert (labels == expected.argmax(axis=1)).mean() > 0.999


def test_the_file_says_what_goes_in_and_out_and_what_classes_there_are(
    tiny: nn.Module, card: NetworkCard
) -> None:
    content = with_card(with_labels(onnx_model(Uint8Network(tiny))), card, "labels")
    graph = onnx.load_from_string(content).graph
    ends = [
        (each.name, [side.dim_param or side.dim_value for side in each.type.tensor_type.shape.dim])
        for each in (*graph.input, *graph.output)
    ]
    assert ends == [
        ("images", ["batch", 3, "height", "width"]),
        ("labels", ["batch", "height", "width"]),
    ]
    (entry,) = onnx.load_from_string(content).metadata_props
    described = json.loads(entry.value)
    assert entry.key == CARD
    assert described.pop("output") == "labels"
    assert NetworkCard.from_dict(described) == NetworkCard.from_dict(
        json.loads(json.dumps(card.to_dict()))
    )
    assert str(Path(goodsam_pl.__file__).parent).encode() not in content


class _Halves(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images * 2 if images.sum() > 0 else images


def test_a_network_that_decides_by_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"_Halves cannot be exported .*: export it as safetens"):
        onnx_model(Uint8Network(_Halves()))


def test_without_the_extra_the_way_out_is_told(
    tiny: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_onnx()  # here it is installed
    monkeypatch.setattr(extra_module, "find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(ModuleNotFoundError, match=r"packages onnx: run `pip install 'goodsam_pl\["):
        onnx_model(Uint8Network(tiny))
