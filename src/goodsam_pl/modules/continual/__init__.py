"""Continual SAM: one domain after another is learned on top of a frozen SAM, and none forgotten."""

from __future__ import annotations

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.continual_sam import ContinualSAM
from goodsam_pl.modules.continual.continual_sequence import ContinualSequence
from goodsam_pl.modules.continual.domain_query import DomainQuery, PooledQuery, TokenQuery
from goodsam_pl.modules.continual.elastic_consolidation import ElasticConsolidation
from goodsam_pl.modules.continual.experience_replay import ExperienceReplay
from goodsam_pl.modules.continual.fine_tuning import FineTuning, JointTraining
from goodsam_pl.modules.continual.kept_embeddings import KeptEmbeddings
from goodsam_pl.modules.continual.learned_prompts import LearnedPrompts
from goodsam_pl.modules.continual.method import ContinualMethod, ContinualTask, MaskPoints
from goodsam_pl.modules.continual.mixture_of_adapters import MixtureOfAdapters
from goodsam_pl.modules.continual.prompted_batch import (
    AskedImages,
    AskedRows,
    PromptedBatch,
    as_prompted,
)
from goodsam_pl.modules.continual.routed_file import load_routed, save_routed
from goodsam_pl.modules.continual.routed_proposer import RoutedSegmentAnything
from goodsam_pl.modules.continual.routed_sam import RoutedMasks, RoutedSam
from goodsam_pl.modules.continual.selector_training import SelectorTraining
from goodsam_pl.modules.continual.sequence_scores import (
    DomainScores,
    SequenceScores,
    score_domain,
)
from goodsam_pl.modules.continual.without_forgetting import LearningWithoutForgetting
from goodsam_pl.modules.continual.zero_shot import ZeroShot

__all__ = [
    "Adapter",
    "AdapterRecipe",
    "AskedImages",
    "AskedRows",
    "ContinualMethod",
    "ContinualSAM",
    "ContinualSequence",
    "ContinualTask",
    "DomainQuery",
    "DomainScores",
    "ElasticConsolidation",
    "ExperienceReplay",
    "FineTuning",
    "JointTraining",
    "KeptEmbeddings",
    "LearnedPrompts",
    "LearningWithoutForgetting",
    "MaskPoints",
    "MixtureOfAdapters",
    "PooledQuery",
    "PromptedBatch",
    "RoutedMasks",
    "RoutedSam",
    "RoutedSegmentAnything",
    "SelectorTraining",
    "SequenceScores",
    "TokenQuery",
    "ZeroShot",
    "as_prompted",
    "load_routed",
    "save_routed",
    "score_domain",
]
