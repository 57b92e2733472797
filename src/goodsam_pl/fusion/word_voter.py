"""Labels from words as a voter: what they have found is pooled with what a fusion says.

Thin things are where a teacher assistant and masks without names are weakest, and where a detector
that is told names is not. (Our choice throughout: neither paper has words.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from goodsam_pl.fusion.fused import Fused, Fusion

__all__ = ["Heard", "WordVoter"]

_STEPS = 255
"""Of evidence, which is kept in bytes."""


@dataclass(frozen=True, eq=False)
class Heard:
    """E, its labels, and M.

    Attributes:
        ensemble: E, probabilities ``(..., K, h, w)``.
        label: argmax E, uint8 ``(..., h, w)``.
        weight: M, of the dtype of the inner fusion's, ``(..., h, w)``.
    """

    ensemble: Tensor
    label: Tensor
    weight: Tensor


@dataclass(frozen=True)
class WordVoter(Fusion):
    r"""Add the evidence of the classes that words have found to what another fusion says.

    .. math:: E_k(p) = \frac{F_k(p) + w\, e_k(p)}{1 + w \sum_j e_j(p)}, \quad
        e_k(p) = f + (1 - f) \max_{m \ni p,\; c(m) = k} s_m

    with F the ensemble of the inner fusion, after SAM's masks have voted, s_m the score of a mask
    in [0, 1], and c(m) its class; e_k is 0 where class k has no mask. Where words have found
    nothing, E, its label and M are those of the inner fusion, to the bit; so they are everywhere
    with a weight of 0. With w f above 1 every mask decides, and F between masks of several classes;
    with less, F does where it is surer than w e.

    Words are of whole panoramas: one mask has one vote, whatever windows it runs through.

    Attributes:
        fusion: the inner one; any of ours, the papers' too.
        weight: w ≥ 0, of a mask of score 1 beside the inner fusion.
        floor: f in [0, 1], the evidence of a mask however low its score: its proposer has found it
            good enough to hand it out, and small models are too modest about thin things.
        confidence: M is 1 where words have found something and max E reaches this; elsewhere it is
            the inner fusion's.
    """

    fusion: Fusion
    weight: float = 4.0
    floor: float = 0.5
    confidence: float = 0.6

    def __post_init__(self) -> None:
        """Refuse what means nothing.

        Raises:
            ValueError: a weight below 0 or no number, a floor outside of [0, 1], or a voter inside
                of a voter.
        """
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"weight is {self.weight}: choose a number, 0 or more")
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor is {self.floor}: choose a share from 0 to 1")
        if isinstance(self.fusion, WordVoter):
            raise ValueError(  # noqa: TRY004  # of a configuration
                "a WordVoter inside of a WordVoter: words vote once, remove one"
            )

    def __call__(self, probabilities: Tensor, masks: Tensor) -> Fused:
        """Words are no masks of windows: :func:`goodsam_pl.fusion.fuse` brings them.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "WordVoter hears what words have found, and nothing is given: set data.words_root to a "
            "folder of `goodsam label` or a COCO file with masks, or take its inner fusion alone"
        )

    @torch.no_grad()
    def hear(self, fused: Fused, words: Tensor) -> Fused:
        """Pool.

        Args:
            fused: what the inner fusion says.
            words: the highest score of each class's masks, uint8 ``(..., K, h, w)`` in steps of
                1 / 255; 0 where it has none.

        Returns:
            E and M.

        Raises:
            ValueError: the shapes do not belong together.
        """
        if self.weight == 0:
            return fused
        inner = fused.ensemble
        if words.shape != inner.shape:
            raise ValueError(
                f"words {tuple(words.shape)} do not belong to E {tuple(inner.shape)}: both are "
                "(..., K, h, w)"
            )
        found = words > 0
        there = found.any(dim=-3)
        evidence = self.floor + words.to(inner.dtype) * ((1 - self.floor) / _STEPS)
        evidence *= self.weight * found
        pooled = (inner + evidence) / (1 + evidence.sum(dim=-3, keepdim=True))
        ensemble = torch.where(there.unsqueeze(-3), pooled, inner)
        confidence, label = ensemble.max(dim=-3)
        sure = (confidence >= self.confidence).to(fused.weight)
        return Heard(
            ensemble=ensemble,
            label=torch.where(there, label.to(torch.uint8), fused.label),
            weight=torch.where(there, sure, fused.weight),
        )
