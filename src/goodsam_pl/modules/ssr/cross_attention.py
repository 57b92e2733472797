"""Cross-attention: places of a feature map ask the tokens of another one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CrossAttention"]

_SPREAD = 0.02
"""Of the weights at the start, SegFormer's; SSR's is not told."""


class CrossAttention(nn.Module):
    r"""What queries find in tokens of their own width, in several heads.

    .. math:: A(Q, T) = W_o \, \operatorname{softmax}
        \left( \frac{(W_q Q)(W_k T)^\top}{\sqrt{C / h}} \right) W_v T + b_o

    Queries, keys and values have no bias, the output has one; there is no dropout, no
    normalisation and nothing that tells places, as in SSR's release.

    Args:
        channels: C.
        heads: h, a divisor of C.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries = nn.Linear(channels, channels, bias=False)
        self.keys_and_values = nn.Linear(channels, 2 * channels, bias=False)
        self.output = nn.Linear(channels, channels)
        for layer in (self.queries, self.keys_and_values, self.output):
            nn.init.trunc_normal_(layer.weight, std=_SPREAD)
        nn.init.zeros_(self.output.bias)

    def forward(self, asking: Tensor, tokens: Tensor) -> Tensor:
        """Ask, without ever holding the N·M scores.

        Args:
            asking: Q, ``(B, N, C)``.
            tokens: T, ``(B, M, C)``.

        Returns:
            ``(B, N, C)``.
        """
        keys, values = self.keys_and_values(tokens).chunk(2, dim=-1)
        found = F.scaled_dot_product_attention(
            self._split(self.queries(asking)), self._split(keys), self._split(values)
        )
        output: Tensor = self.output(found.transpose(1, 2).flatten(2))
        return output

    def shares(self, asking: Tensor, tokens: Tensor) -> Tensor:
        """How much of each token each query takes, for people to look at.

        All scores are held at once: give few queries.

        Args:
            asking: ``(B, N, C)``.
            tokens: ``(B, M, C)``.

        Returns:
            ``(B, h, N, M)`` in [0, 1], 1 in sum over tokens.
        """
        keys = self._split(self.keys_and_values(tokens).chunk(2, dim=-1)[0])
        queries = self._split(self.queries(asking))
        scores = queries @ keys.transpose(2, 3) / queries.shape[-1] ** 0.5
        shares: Tensor = scores.softmax(dim=-1)
        return shares

    def _split(self, features: Tensor) -> Tensor:
        """``(B, N, C)`` to ``(B, h, N, C / h)``."""
        split: Tensor = features.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return split
