"""SSR (arXiv 2401.14686): self-training whose features ask a frozen SAM while they are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from goodsam_pl.masks import MaskProposer
from goodsam_pl.modules.ssr.mean_teacher import MeanTeacher
from goodsam_pl.modules.ssr.mixing import MixedDomains
from goodsam_pl.modules.ssr.sam_attention import SamAttention
from goodsam_pl.modules.ssr.sam_matching import SamMatching
from goodsam_pl.modules.ssr.self_training import MaskedImages, SelfTraining
from goodsam_pl.networks import PyramidNetwork, evaluating, keeping_statistics
from goodsam_pl.sam import ImageEmbedder

__all__ = ["SSR", "BranchWeights", "Regularizer"]


@dataclass(frozen=True)
class BranchWeights:
    """Weights of the cross-entropies, all 1 as released.

    Attributes:
        source: of L_s, the source image as it is used later.
        mixed: of L_m, the mixed image likewise.
        enhanced_source: of L_s', the source image with what SAM added to its features.
        enhanced_mixed: of L_m', the mixed image likewise.
    """

    source: float = 1.0
    mixed: float = 1.0
    enhanced_source: float = 1.0
    enhanced_mixed: float = 1.0


@dataclass(frozen=True)
class Regularizer:
    """How SAM takes part in the training.

    Attributes:
        stages: which of the four stages ask SAM, counted from 0.
        heads: of the four stages' attention; each divides the channels of its stage.
        branches: weights of the four cross-entropies.
        enhanced_statistics: ``shared``, as released: the running statistics of batch normalisation
            learn from enhanced features, too. ``kept``: from plain ones alone, which are all that
            there will be.
        feature_matching: ours: let features also tell SAM's embedding, see
            :class:`goodsam_pl.modules.ssr.sam_matching.SamMatching`.
        feature_matching_weight: λ_FM, for each of both images.
    """

    stages: tuple[int, ...] = (0, 1, 2, 3)
    heads: tuple[int, ...] = (1, 2, 5, 8)
    branches: BranchWeights = BranchWeights()
    enhanced_statistics: Literal["shared", "kept"] = "shared"
    feature_matching: bool = False
    feature_matching_weight: float = 1.0


class SSR(SelfTraining):
    r"""Self-training, and the same network again with features that SAM has enhanced.

    .. math:: L = w_s L_s + w_{s'} L_{s'} + w_m L_m + w_{m'} L_{m'}
        + \lambda_{FD} L_{FD} + \lambda_{mask} L_{mask} [+ \lambda_{FM} L_{FM}]

    One decoder reads the plain and the enhanced pyramid. SAM and the attention are of the training
    alone: what is scored, predicts and is exported is the plain network. See docs/ssr.md.

    Args:
        network: the student; a SegmentationNetwork, PretrainedNetwork or DAFormerNetwork.
        sam: frozen; a proposer with an image encoder, which is all of it that is asked.
        reference: as for :class:`SelfTraining`, and so all to ``warmup_steps``.
        taxonomy: name of the class set with K classes.
        mean_teacher: how the teacher follows the student, and how it looks.
        threshold: τ, from which on a pixel of the teacher counts as sure.
        ignored_rows: how many rows of a target crop, above and below, teach nothing.
        class_balance: γ, how much more pixels of classes weigh that the teacher rarely says.
        feature_weight: λ_FD.
        masked: λ_mask and the hidden blocks; of the plain network alone.
        learning_rate: of the encoder, and of the attention.
        head_learning_rate_scale: the learning rate of decoder and head, in parts of the encoder's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: DAFormer warms up for 1,500 of 40,000 steps.
        regularizer: which stages ask, and what their answers weigh.

    Raises:
        TypeError: ``sam`` has no image encoder, or ``network`` no features to change.
        ValueError: heads and stages do not fit the network; and as for :class:`SelfTraining`.
    """

    given_objects = (*SelfTraining.given_objects, "sam")

    def __init__(
        self,
        network: nn.Module,
        sam: MaskProposer,
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
        regularizer: Regularizer = Regularizer(),
    ) -> None:
        if not isinstance(network, PyramidNetwork):
            raise TypeError(
                f"model.network is a {type(network).__name__}, whose features cannot be changed "
                "before its decoder: take a SegmentationNetwork, PretrainedNetwork or "
                "DAFormerNetwork"
            )
        super().__init__(
            network,
            reference,
            taxonomy,
            mean_teacher,
            threshold,
            ignored_rows,
            class_balance,
            feature_weight,
            masked,
            learning_rate,
            head_learning_rate_scale,
            weight_decay,
            warmup_steps,
        )
        self.sam = ImageEmbedder(sam)
        widths = network.feature_channels
        channels = self.sam.channels
        self.matching = None
        with torch.random.fork_rng(devices=[]):  # what is mixed is as without SAM
            self.attention = SamAttention(channels, widths, regularizer.heads, regularizer.stages)
            if regularizer.feature_matching:
                self.matching = SamMatching(channels, widths, regularizer.stages)
        self.enhanced_statistics = regularizer.enhanced_statistics
        branches = regularizer.branches
        self.weights |= {
            "source": branches.source,
            "mixed": branches.mixed,
            "enhanced_source": branches.enhanced_source,
            "enhanced_mixed": branches.enhanced_mixed,
            "matching_source": regularizer.feature_matching_weight,
            "matching_mixed": regularizer.feature_matching_weight,
        }

    def read_teachers(self) -> None:
        """Read what training on needs and a checkpoint does not bring: the weights of SAM, too.

        Raises:
            FileNotFoundError: they are not where the configuration says.
        """
        super().read_teachers()
        self.sam.read()

    def source_terms(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_s and L_s', L_FD where it has a weight."""
        features, terms = self._branches("source", images, labels)
        if self.reference is not None:
            terms["features"] = self.feature_distance(features[-1], images, labels)
        return terms

    def mixed_terms(self, images: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """L_m and L_m'."""
        return self._branches("mixed", images, labels, weights)[1]

    def shown_maps(self, mixed: MixedDomains) -> dict[str, Tensor]:
        """Where the middle of a mixed image looks, of the last stage that asks, at most 1."""
        looked = self.attention_map(mixed.images, self.attention.active[-1], (0.5, 0.5))[0]
        return {"attention of the middle": looked / looked.max()}

    @torch.no_grad()
    def attention_map(
        self, images: Tensor, stage: int, place: tuple[float, float] | None = None
    ) -> Tensor:
        """Where in SAM's embedding the student looks, for people to look at.

        Args:
            images: ``(B, 3, H, W)``.
            stage: an active one, counted from 0.
            place: who asks, ``(y, x)`` in parts of height and width; ``None`` averages over all.

        Returns:
            ``(B, h, w)`` of SAM's embedding, 1 in sum, see :meth:`SamAttention.attention_map`.
        """
        with evaluating(self.network):
            features = cast("PyramidNetwork", self.network).encode(images)
        return self.attention.attention_map(features, self.sam(images), stage, place)

    def _branches(
        self, domain: str, images: Tensor, labels: Tensor, weights: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """The plain features F of images, and both cross-entropies."""
        network = cast("PyramidNetwork", self.network)
        features = network.encode(images)  # F = E(x)
        embedding = self.sam(images)  # S(x)
        enhanced = self.attention(features, embedding)  # G_i = F_i + A_i(F_i, P_i S)

        size = (images.shape[-2], images.shape[-1])
        plain_logits = network.decode(features, size)  # D(F)
        kept = self.network if self.enhanced_statistics == "kept" else None
        with keeping_statistics(kept):
            enhanced_logits = network.decode(enhanced, size)  # D(G)

        terms = {
            domain: self.cross_entropy(plain_logits.float(), labels, weights),
            f"enhanced_{domain}": self.cross_entropy(enhanced_logits.float(), labels, weights),
        }
        if self.matching is not None:
            terms[f"matching_{domain}"] = self.matching(features, embedding)
        return features, terms
