"""SSR's regulariser: the features of each stage ask those of a frozen SAM, while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from goodsam_pl.modules.ssr.cross_attention import CrossAttention

__all__ = ["SamAttention"]

_QUERIES_TOGETHER = 256
"""For a picture: their scores with 4096 tokens take 4 MiB a head."""


class SamAttention(nn.Module):
    r"""Enhance a pyramid of features by what its stages find in SAM's embedding.

    .. math:: T_i = P_i S, \quad G_i = F_i + A_i(F_i, T_i)

    P_i is linear, with a bias; A_i is a :class:`CrossAttention`. All places of the embedding are
    tokens; nothing tells the attention where a place is.

    Args:
        embedding_channels: C_S, of SAM's embedding.
        stages: C_i, of the pyramid, from fine to coarse.
        heads: of each stage's attention; SSR has 1, 2, 5, 8.
        active: which stages ask, counted from 0; the others stay as they are.

    Raises:
        ValueError: heads that are not one number for each stage, or do not divide its channels;
            stages that are none or that there are not.
    """

    def __init__(
        self,
        embedding_channels: int,
        stages: Sequence[int],
        heads: Sequence[int] = (1, 2, 5, 8),
        active: Sequence[int] = (0, 1, 2, 3),
    ) -> None:
        super().__init__()
        _check(stages, heads, active)
        self.count = len(stages)
        self.active = tuple(sorted(set(active)))
        chosen = {str(stage): stages[stage] for stage in self.active}
        self.projections = nn.ModuleDict(
            {name: nn.Linear(embedding_channels, width) for name, width in chosen.items()}
        )
        self.attentions = nn.ModuleDict(
            {name: CrossAttention(width, heads[int(name)]) for name, width in chosen.items()}
        )

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> tuple[Tensor, ...]:
        """Enhance features.

        Args:
            features: F, whose last ones are those of the stages, ``(B, C_i, h_i, w_i)``; what comes
                before them stays as it is.
            embedding: S, ``(B, C_S, h, w)``.

        Returns:
            G, in the same order and shapes.
        """
        before = len(features) - self.count
        enhanced = list(features)
        for name, attention in self.attentions.items():
            plain = features[before + int(name)]
            found = attention(_tokens(plain), self.projections[name](_tokens(embedding)))
            enhanced[before + int(name)] = plain + found.transpose(1, 2).view_as(plain)
        return tuple(enhanced)

    @torch.no_grad()
    def attention_map(
        self,
        features: Sequence[Tensor],
        embedding: Tensor,
        stage: int,
        place: tuple[float, float] | None = None,
    ) -> Tensor:
        """Where in SAM's embedding a stage looks, averaged over heads, for people to look at.

        Args:
            features: F, as for :meth:`forward`.
            embedding: S, ``(B, C_S, h, w)``.
            stage: an active one, counted from 0.
            place: who asks, ``(y, x)`` in parts of the image's height and width, in [0, 1];
                ``None`` averages over all places of the stage.

        Returns:
            ``(B, h, w)``, 1 in sum.

        Raises:
            ValueError: the stage is not active.
        """
        if str(stage) not in self.attentions:
            raise ValueError(
                f"stage {stage} does not ask SAM: choose of {', '.join(self.attentions)}"
            )
        asked = features[len(features) - self.count + stage]
        tokens = self.projections[str(stage)](_tokens(embedding))
        if place is not None:
            height, width = asked.shape[-2:]
            row, column = int(place[0] * (height - 1) + 0.5), int(place[1] * (width - 1) + 0.5)
            asked = asked[..., row : row + 1, column : column + 1]
        attention = cast("CrossAttention", self.attentions[str(stage)])
        total = torch.zeros_like(tokens[..., 0])
        for some in _tokens(asked).split(_QUERIES_TOGETHER, dim=1):
            total += attention.shares(some, tokens).mean(dim=1).sum(dim=1)
        shares = total / (asked.shape[-2] * asked.shape[-1])
        return shares.view(len(shares), *embedding.shape[-2:])


def _tokens(features: Tensor) -> Tensor:
    """``(B, C, h, w)`` to ``(B, h·w, C)``."""
    return features.flatten(2).transpose(1, 2)


def _check(stages: Sequence[int], heads: Sequence[int], active: Sequence[int]) -> None:
    if len(heads) != len(stages):
        raise ValueError(f"model.heads has {len(heads)} numbers, the network {len(stages)} stages")
    if not active or not set(active) <= set(range(len(stages))):
        raise ValueError(
            f"model.stages is {list(active)}: name at least one of {list(range(len(stages)))}"
        )
    for stage in active:
        if heads[stage] < 1 or stages[stage] % heads[stage]:
            raise ValueError(
                f"model.heads: {heads[stage]} heads cannot share the {stages[stage]} channels of "
                f"stage {stage}: choose a divisor"
            )
