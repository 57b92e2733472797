"""What a module was built with comes out of its checkpoint, as plain values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from goodsam_pl.fusion import CTCF, FusedWindows, Fusion, NoFusion
from goodsam_pl.modules import (
    FeatureWeights,
    JointDistillation,
    RectificationWeights,
    TARectification,
    Teachers,
)
from goodsam_pl.modules.remembering import as_parsed
from goodsam_pl.networks import SegmentationNetwork


def _saved(module: LightningModule, path: Path) -> Path:
    trainer = Trainer(accelerator="cpu", logger=False, barebones=True)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(path)
    return path


def test_what_was_built_by_hand_comes_back_around_the_networks_that_are_given(
    tmp_path: Path,
) -> None:
    student, teacher = (SegmentationNetwork("fpn", "mobilenet_v2") for _ in range(2))
    arguments = {
        "teachers": Teachers(CTCF(threshold=0.25), mirror=True, further_scales=(2.0,)),
        "features": FeatureWeights(adaptation=0.5),
        "rectification": RectificationWeights(distance="mse"),
    }
    path = _saved(JointDistillation(student, teacher, **arguments), tmp_path / "last.ckpt")
    remembered = torch.load(path, weights_only=True)["hyper_parameters"]
    assert remembered["teachers"]["fusion"] == {
        "class_path": "goodsam_pl.fusion.ctcf.CTCF",
        "init_args": {
            "threshold": 0.25,
            "confidence": 0.9,
            "distinct_share": 0.0,
            "instance_weight": 1.0,
            "votes": "count",
        },
    }
    networks = {"student": student, "teacher_assistant": teacher}
    again = JointDistillation.load_from_checkpoint(path, **networks)
    assert again.student is student
    assert again.teacher_assistant is teacher
    assert again.teachers == arguments["teachers"]
    assert again.features.weights == arguments["features"]
    assert again.consistency == "mse"
    other = JointDistillation.load_from_checkpoint(path, **networks, teachers=Teachers())
    assert other.teachers == Teachers()


class OwnFusion(Fusion):
    """Of a class that only its owner knows, with an argument that it does not keep."""

    def __init__(self, secret: float) -> None:
        self.rule = NoFusion(secret)

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        return self.rule(probabilities, masks)


def test_a_fusion_of_ones_own_is_given_again_and_never_replaced_in_silence(tmp_path: Path) -> None:
    network, own = nn.Conv2d(3, 19, 1), Teachers(OwnFusion(0.5), mirror=True)
    path = _saved(TARectification(network, teachers=own), tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match=r"model\.teachers\.fusion names .*OwnFusion"):
        TARectification.load_from_checkpoint(path, teacher_assistant=network)
    again = TARectification.load_from_checkpoint(path, teacher_assistant=network, teachers=own)
    assert again.teachers.fusion is own.fusion
    assert again.teachers.mirror


def test_a_dataclass_is_handed_to_the_parser_by_its_fields() -> None:
    fusion, network = NoFusion(), nn.Identity()
    given = as_parsed({"network": network, "teachers": Teachers(fusion)})
    assert given["network"] is network
    assert given["teachers"]["fusion"] is fusion
