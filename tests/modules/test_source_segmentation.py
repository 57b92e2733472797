"""Supervised training on pinhole images, as every system is tested."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from system_tester import SystemTester
from tiny import TinyNetwork, sources

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.modules import SourceSegmentation


class TestSourceSegmentation(SystemTester):
    preset = "streetworld/source.yaml"

    def system(self) -> SourceSegmentation:
        torch.manual_seed(0)
        return SourceSegmentation(TinyNetwork(), learning_rate=1e-2, warmup_steps=1)

    def batch(self, seed: int) -> SourceBatch:
        return sources(seed)


def test_panoramas_without_labels_teach_nothing() -> None:
    system = SourceSegmentation(TinyNetwork())
    batch = PanoramaBatch(torch.zeros(1, 3, 8, 16), None, None, None, ["Oslo/1"])  # type: ignore[arg-type]  # no windows
    with pytest.raises(ValueError, match=r"Oslo/1 has no label .* data\.pseudo_labels"):
        system.training_step(batch, 0)
