"""GoodSAM's three trainings, as every system is tested."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from system_tester import SystemTester
from tiny import TinyNetwork, panoramas

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.modules import JointDistillation, StudentDistillation, TARectification

SCHEDULE = {"learning_rate": 1e-2, "warmup_steps": 1}


class _OnPanoramas(SystemTester):
    def batch(self, seed: int) -> PanoramaBatch:
        return panoramas(seed)


class TestTARectification(_OnPanoramas):
    preset = "streetworld/rectification.yaml"

    def system(self) -> TARectification:
        torch.manual_seed(0)
        return TARectification(TinyNetwork(), **SCHEDULE)


class TestStudentDistillation(_OnPanoramas):
    preset = "streetworld/distillation.yaml"
    frozen = ("teacher_assistant",)

    def system(self) -> StudentDistillation:
        torch.manual_seed(0)
        return StudentDistillation(TinyNetwork(), TinyNetwork(), **SCHEDULE)


class TestJointDistillation(_OnPanoramas):
    preset = "goodsam/paper.yaml"

    def system(self) -> JointDistillation:
        torch.manual_seed(0)
        return JointDistillation(TinyNetwork(), TinyNetwork(), **SCHEDULE)
