"""Self-training on unlabelled target images, in the manner of DAFormer (arXiv 2111.14887)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from goodsam_pl.data import AdaptationBatch, PanoramaBatch, SourceBatch
from goodsam_pl.losses import (
    ClassBalance,
    thing_cells,
    thing_feature_distance,
    weighted_cross_entropy,
)
from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.schedule import is_of_head
from goodsam_pl.modules.ssr.block_masks import draw_block_masks
from goodsam_pl.modules.ssr.class_mix import class_mix, draw_class_masks
from goodsam_pl.modules.ssr.mean_teacher import (
    MeanTeacher,
    ask_teacher,
    update_teacher,
    warmed_decay,
)
from goodsam_pl.modules.ssr.mixed_image import augment
from goodsam_pl.modules.ssr.mixing import MixedDomains
from goodsam_pl.modules.ssr.pseudo_labels import pseudo_labels
from goodsam_pl.modules.ssr.target_crop import crop_like
from goodsam_pl.networks import FeatureNetwork, FrozenNetwork

__all__ = ["MaskedImages", "SelfTraining"]

_THINGS = frozenset(
    {"traffic light", "traffic sign", "person", "rider", "car", "truck", "bus", "train"}
    | {"motorcycle", "bicycle"}
)
"""DAFormer's: classes 6, 7 and 11 to 18 of Cityscapes."""
_LEAST_SHARE = 0.75
"""Of a cell's pixels that one thing has to have; DAFormer's."""


@dataclass(frozen=True)
class MaskedImages:
    """Masked image consistency, MIC (arXiv 2212.01322).

    Attributes:
        weight: of its loss; 0 leaves it out, 1 is MIC's.
        block: side of the hidden blocks, pixels; MIC has 64, SSR 32.
        ratio: the probability that a block is hidden; MIC's.
    """

    weight: float = 0.0
    block: int = 32
    ratio: float = 0.7


class SelfTraining(SegmentationModule):
    r"""Learn from labelled source images, and from target images as a mean teacher labels them.

    .. math:: L = L_s + L_m + \lambda_{FD} L_{FD} + \lambda_{mask} L_{mask}

    L_s is of the source, L_m of a ClassMix of source and target, L_FD keeps features of things
    where ImageNet put them, L_mask is of target images with hidden blocks. See docs/ssr.md.

    Args:
        network: the student; maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        reference: frozen, with the encoder of the student as ImageNet trained it, for L_FD.
        taxonomy: name of the class set with K classes.
        mean_teacher: how the teacher follows the student, and how it looks.
        threshold: τ, from which on a pixel of the teacher counts as sure.
        ignored_rows: how many rows of a target crop, above and below, teach nothing; 15 and 120 for
            Cityscapes, 0 for panoramas.
        class_balance: γ, how much more pixels of classes weigh that the teacher rarely says, see
            :class:`goodsam_pl.losses.ClassBalance`, our choice; 0 is DAFormer's.
        feature_weight: λ_FD, 0.005 is DAFormer's.
        masked: λ_mask and the hidden blocks.
        learning_rate: of the encoder; 6e-5 is SegFormer's.
        head_learning_rate_scale: the learning rate of decoder and head, in parts of the encoder's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: DAFormer warms up for 1,500 of 40,000 steps.

    Raises:
        ValueError: ``feature_weight`` is set and there is no reference to measure from, or one of
            another encoder.
        TypeError: then a network gives no features.
    """

    network_names = ("network", "teacher")
    given_objects: ClassVar[tuple[str, ...]] = ("network", "reference")
    """Arguments that no checkpoint can hold when they are built by hand."""

    steps: Tensor
    seed: Tensor

    def __init__(
        self,
        network: nn.Module,
        reference: nn.Module | None = None,
        taxonomy: str = "cityscapes-19",
        mean_teacher: MeanTeacher = MeanTeacher(),
        threshold: float = 0.968,
        ignored_rows: tuple[int, int] = (0, 0),
        class_balance: float = 0.0,
        feature_weight: float = 0.0,
        masked: MaskedImages = MaskedImages(),
        learning_rate: float = 6e-5,
        head_learning_rate_scale: float = 10.0,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
    ) -> None:
        super().__init__(taxonomy, ("whole",), learning_rate, weight_decay, warmup_steps)
        self.remember_arguments(*self.given_objects)
        self.network = network
        self.teacher = copy.deepcopy(network).requires_grad_(False)
        self.reference = None
        if feature_weight:
            self.reference = _reference(reference, network)
        self.weights = {
            "source": 1.0,
            "mixed": 1.0,
            "features": feature_weight,
            "masked": masked.weight,
        }
        self.mean_teacher = mean_teacher
        self.threshold = threshold
        self.ignored_rows = ignored_rows
        self.class_balance = ClassBalance(len(self.taxonomy.classes), class_balance)
        self.masked = masked
        self.head_learning_rate_scale = head_learning_rate_scale
        names = enumerate(self.taxonomy.classes)
        self.things = [place for place, name in names if name in _THINGS]
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("seed", torch.tensor(-1))
        self.check_networks()

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.network(images)
        return logits.float()

    def read_teachers(self) -> None:
        """Read what training on needs and a checkpoint does not bring: the reference's weights.

        Raises:
            FileNotFoundError: they are not where the configuration says.
        """
        if self.reference is not None:
            self.reference.read_postponed()

    def on_train_start(self) -> None:
        """Draw the seed of the mixing, unless a checkpoint brought it."""
        if self.seed < 0:
            self.seed.copy_(torch.randint(2**62, ()))

    def on_train_batch_start(self, batch: AdaptationBatch, batch_idx: int) -> None:  # type: ignore[override]  # of two domains
        """Remember which images a step is of, for errors."""
        self._names = (*batch["source"].names, *batch["target"].names)

    def training_step(self, batch: AdaptationBatch, batch_idx: int) -> Tensor:
        """L_s + L_m + λ_FD L_FD + λ_mask L_mask."""
        draws = self._draws()
        decay = warmed_decay(int(self.steps), self.mean_teacher.decay)  # α_t
        update_teacher(self.teacher, self.network, decay, self.mean_teacher.statistics)
        self.steps += 1

        source, labels = batch["source"].image, batch["source"].label  # x_s, y_s
        mixed = self.mix(batch, draws)
        balance = self.class_balance(mixed.pseudo_labels)
        terms = self.source_terms(source, labels)
        weights = mixed.weights * balance[mixed.labels]
        terms |= self.mixed_terms(mixed.images, mixed.labels, weights)
        if self.masked.weight:
            target = mixed.target
            shape = (len(target), *target.shape[-2:])
            shown = draw_block_masks(shape, self.masked.block, self.masked.ratio, draws)
            hidden = augment(target, draws) * shown.to(target.device)
            weights = mixed.trust * balance[mixed.pseudo_labels]
            terms["masked"] = self.cross_entropy(self(hidden), mixed.pseudo_labels, weights)

        self.log("train/trust", mixed.trust.mean())
        return self.total(terms, self.weights)

    def mix(self, batch: AdaptationBatch, draws: torch.Generator) -> MixedDomains:
        """Crop the target, ask the teacher for its labels, paste half of the source's classes.

        With its own statistics the teacher's running ones learn from the target.
        """
        source, labels = batch["source"].image, batch["source"].label  # x_s, y_s
        height, width = source.shape[-2:]
        target = crop_like(batch["target"].image, (height, width), draws)  # x_t
        count = min(len(source), len(target))

        how = self.mean_teacher
        said = ask_teacher(self.teacher, target, how.statistics, how.scale)
        pseudo, trust = pseudo_labels(said, self.threshold, self.ignored_rows)  # ŷ_t, q

        mask = draw_class_masks(labels, self.taxonomy.ignore_index, draws)[:count]  # M
        mixed = class_mix(mask, source[:count], target[:count])
        return MixedDomains(
            target=target,
            pseudo_labels=pseudo,
            trust=trust,
            images=augment(mixed, draws),  # x_m
            labels=class_mix(mask, labels[:count], pseudo[:count]),  # y_m
            weights=class_mix(mask, torch.ones_like(trust[:count]), trust[:count]),  # w_m
        )

    def shown_maps(self, mixed: MixedDomains) -> dict[str, Tensor]:
        """What else is worth a picture beside each step's, by caption; nothing here.

        A system that extends this one may say more.

        Args:
            mixed: of one image.

        Returns:
            Maps in [0, 1], of any size ``(h, w)``.
        """
        return {}

    def source_terms(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_s, and L_FD where it has a weight."""
        if self.reference is None:
            return {"source": self.cross_entropy(self(images), labels)}
        features, logits = self.network.forward_features(images)  # type: ignore[operator]  # checked
        return {
            "source": self.cross_entropy(logits.float(), labels),
            "features": self.feature_distance(features[-1], images, labels),
        }

    def mixed_terms(self, images: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """L_m."""
        return {"mixed": self.cross_entropy(self(images), labels, weights)}

    def feature_distance(self, features: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        """L_FD of the last stage's features ``(B, C_4, h, w)``."""
        assert self.reference is not None  # noqa: S101  # who has no reference does not ask
        frozen = self.reference.forward_features(images).features[-1]
        cells = thing_cells(
            labels,
            (frozen.shape[-2], frozen.shape[-1]),
            self.things,
            _LEAST_SHARE,
            self.taxonomy.ignore_index,
        )
        return thing_feature_distance(features, frozen, cells)

    def cross_entropy(
        self, logits: Tensor, labels: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Over all pixels, see :func:`goodsam_pl.losses.weighted_cross_entropy`."""
        return weighted_cross_entropy(logits, labels, self.taxonomy.ignore_index, weights)

    def learning_rate_scale(self, name: str) -> float:
        """Decoder and head learn faster than the encoder, which ImageNet has taught already."""
        return self.head_learning_rate_scale if is_of_head(name) else 1.0

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The student on the whole image."""
        yield "whole", self(batch.image)

    def _draws(self) -> torch.Generator:
        """Random numbers of this step and process, the same when a training is resumed."""
        generator = torch.Generator()
        base = int(self.seed) + 1_000_003 * int(self.steps) + self.global_rank
        return generator.manual_seed(base % 2**63)


def _reference(reference: nn.Module | None, network: nn.Module) -> FrozenNetwork:
    if reference is None:
        raise ValueError(
            "model.feature_weight measures from a frozen network: give model.reference, the "
            "student's encoder with ImageNet's weights, or set model.feature_weight 0"
        )
    widths = []
    for name, each in (("network", network), ("reference", reference)):
        if not isinstance(each, FeatureNetwork):
            raise TypeError(
                f"model.{name} is a {type(each).__name__}, which gives no features: take a "
                "SegmentationNetwork or DAFormerNetwork, or set model.feature_weight 0"
            )
        widths.append(each.feature_channels[-1])
    if widths[0] != widths[1]:
        raise ValueError(
            f"features of model.network have {widths[0]} channels, those of model.reference "
            f"{widths[1]}: give both the same encoder"
        )
    return FrozenNetwork(reference)
