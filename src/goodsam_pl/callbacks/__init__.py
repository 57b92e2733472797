"""What watches a run: the table of classes, the pictures of ``predict``, more views of them."""

from __future__ import annotations

from goodsam_pl.callbacks.class_table import ClassTable
from goodsam_pl.callbacks.precompute_teacher import PrecomputeTeacher
from goodsam_pl.callbacks.prediction_writer import PredictionWriter
from goodsam_pl.callbacks.protocols import ColouredModule, ScoredModule
from goodsam_pl.callbacks.run_directory import RunDirectory, run_directory
from goodsam_pl.callbacks.stage_panels import StagePanels
from goodsam_pl.callbacks.test_time_augmentation import TestTimeAugmentation
from goodsam_pl.callbacks.tiled_prediction import TiledPrediction

__all__ = [
    "ClassTable",
    "ColouredModule",
    "PrecomputeTeacher",
    "PredictionWriter",
    "RunDirectory",
    "ScoredModule",
    "StagePanels",
    "TestTimeAugmentation",
    "TiledPrediction",
    "run_directory",
]
