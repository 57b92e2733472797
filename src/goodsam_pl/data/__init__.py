"""Data sets, their folder layouts, augmentation, and the LightningDataModules."""

from __future__ import annotations

from goodsam_pl.data.adaptation_module import AdaptationBatch, AdaptationDataModule
from goodsam_pl.data.augment import Turn, column_spacing, draw_turn, possible_shifts
from goodsam_pl.data.band import Band
from goodsam_pl.data.batch import (
    PanoramaBatch,
    PanoramaSample,
    SourceBatch,
    SourceSample,
    collate_panoramas,
    collate_sources,
)
from goodsam_pl.data.domain_batch import DomainBatch, PromptGroup
from goodsam_pl.data.domain_dataset import DomainDataset, DomainImage, Views
from goodsam_pl.data.domain_module import DomainDataModule
from goodsam_pl.data.domains import Domain, DomainFolder
from goodsam_pl.data.files import read_image, read_label
from goodsam_pl.data.instance_module import InstanceDataModule
from goodsam_pl.data.instance_windows import ClickBatch, InstanceWindows
from goodsam_pl.data.normalization import IMAGENET_MEAN, IMAGENET_STD, denormalize, normalize
from goodsam_pl.data.panorama import (
    Augmentation,
    PanoramaDataset,
    StoredMasks,
    StoredTargets,
)
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.data.panorama_module import PanoramaDataModule
from goodsam_pl.data.rare_classes import rare_class_probabilities, rare_class_weights
from goodsam_pl.data.sampler import ExactDistributedSampler
from goodsam_pl.data.soft_targets import SOFT_STRIDE, pack_probabilities, unpack_probabilities
from goodsam_pl.data.source import SourceDataset
from goodsam_pl.data.source_module import SourceDataModule
from goodsam_pl.data.square_frame import SquareFrame
from goodsam_pl.data.targets import TargetStore, TeacherTargets
from goodsam_pl.data.transforms import Pipeline, photometric, with_labels

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "SOFT_STRIDE",
    "AdaptationBatch",
    "AdaptationDataModule",
    "Augmentation",
    "Band",
    "ClickBatch",
    "Domain",
    "DomainBatch",
    "DomainDataModule",
    "DomainDataset",
    "DomainFolder",
    "DomainImage",
    "ExactDistributedSampler",
    "InstanceDataModule",
    "InstanceWindows",
    "PanoramaBatch",
    "PanoramaDataModule",
    "PanoramaDataset",
    "PanoramaFormat",
    "PanoramaSample",
    "Pipeline",
    "PromptGroup",
    "SourceBatch",
    "SourceDataModule",
    "SourceDataset",
    "SourceSample",
    "SquareFrame",
    "StoredMasks",
    "StoredTargets",
    "TargetStore",
    "TeacherTargets",
    "Turn",
    "Views",
    "collate_panoramas",
    "collate_sources",
    "column_spacing",
    "denormalize",
    "draw_turn",
    "normalize",
    "pack_probabilities",
    "photometric",
    "possible_shifts",
    "rare_class_probabilities",
    "rare_class_weights",
    "read_image",
    "read_label",
    "unpack_probabilities",
    "with_labels",
]
