"""Lightning callbacks: masks and targets before a run, tables and panels, predictions, views."""

from __future__ import annotations

from goodsam_pl.callbacks.augmented_prediction import TestTimeAugmentation
from goodsam_pl.callbacks.class_table import ClassTable
from goodsam_pl.callbacks.dashboard import (
    define_summaries,
    keep_in_run_folder,
    name_runs,
    wandb_loggers,
)
from goodsam_pl.callbacks.data_facts import data_facts
from goodsam_pl.callbacks.precompute_sam import PanoramaSource, PrecomputeSAM
from goodsam_pl.callbacks.precompute_teacher import PrecomputeTeacher
from goodsam_pl.callbacks.prediction_writer import PredictionWriter
from goodsam_pl.callbacks.protocols import ColouredModule, ScoredModule
from goodsam_pl.callbacks.run_checkpoint import RunCheckpoint
from goodsam_pl.callbacks.run_directory import RunDirectory, run_directory
from goodsam_pl.callbacks.save_on_stop import SaveOnStop
from goodsam_pl.callbacks.score_pictures import ScorePictures
from goodsam_pl.callbacks.sequence_tables import SequenceTables
from goodsam_pl.callbacks.stage_panels import StagePanels
from goodsam_pl.callbacks.tiled_prediction import TiledPrediction
from goodsam_pl.callbacks.training_signals import TrainingSignals
from goodsam_pl.callbacks.true_targets import TrueTargets
from goodsam_pl.callbacks.warmed_average import WarmedAverage

__all__ = [
    "ClassTable",
    "ColouredModule",
    "PanoramaSource",
    "PrecomputeSAM",
    "PrecomputeTeacher",
    "PredictionWriter",
    "RunCheckpoint",
    "RunDirectory",
    "SaveOnStop",
    "ScorePictures",
    "ScoredModule",
    "SequenceTables",
    "StagePanels",
    "TestTimeAugmentation",
    "TiledPrediction",
    "TrainingSignals",
    "TrueTargets",
    "WarmedAverage",
    "data_facts",
    "define_summaries",
    "keep_in_run_folder",
    "name_runs",
    "run_directory",
    "wandb_loggers",
]
