"""Features of each stage translated into SAM's, to be compared with them (ours)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from goodsam_pl.losses import feature_matching

__all__ = ["SamMatching"]


class SamMatching(nn.Module):
    r"""Our own extra, which SSR does not have: stages have to tell SAM's embedding.

    .. math:: L_{FM} = \operatorname{mean}_i \bigl( 1 - \cos(R_i F_i, S) \bigr)

    R_i is linear, with a bias, and is thrown away as the attention is. SAM's embedding is fixed, so
    that nothing is gained by making features alike.

    Args:
        embedding_channels: C_S, of SAM's embedding.
        stages: C_i, of the pyramid, from fine to coarse.
        active: which stages are compared, counted from 0.
    """

    def __init__(
        self, embedding_channels: int, stages: Sequence[int], active: Sequence[int]
    ) -> None:
        super().__init__()
        self.count = len(stages)
        self.translations = nn.ModuleDict(
            {str(i): nn.Conv2d(stages[i], embedding_channels, 1) for i in sorted(set(active))}
        )

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """L_FM.

        Args:
            features: F, whose last ones are those of the stages, ``(B, C_i, h_i, w_i)``.
            embedding: S, ``(B, C_S, h, w)``.

        Returns:
            Scalar in [0, 2].
        """
        before = len(features) - self.count
        distances = [
            feature_matching(translate(features[before + int(stage)]).float(), embedding)
            for stage, translate in self.translations.items()
        ]
        return torch.stack(distances).mean()
