"""DAFormer's head: all four stages, seen at several scales at once.

The stages are embedded alike, enlarged to the finest and joined. Four branches look at the result:
one at each pixel alone, three at its neighbours in growing distances. They are separable, so that
the wide input stays affordable.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["DAFormerHead"]


class DAFormerHead(nn.Module):
    """Embedding, separable atrous spatial pyramid, classification.

    Args:
        stages: channels C_l of the features, from fine to coarse.
        classes: number of logits K.
        channels: D, of each embedding, each branch and what the classes are read from.
        dilations: of the branches; 1 is a 1×1 convolution, others are separable 3×3 ones.
        dropout: the probability that a channel is dropped before the classes are read.

    Shape:
        - input: for each stage ``(B, C_l, h_l, w_l)``;
        - output: logits ``(B, K, h_1, w_1)``.
    """

    def __init__(
        self,
        stages: Sequence[int],
        classes: int,
        channels: int = 256,
        dilations: Sequence[int] = (1, 6, 12, 18),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Conv2d(each, channels, 1) for each in stages)
        joined = len(stages) * channels
        self.branches = nn.ModuleList(_branch(joined, channels, each) for each in dilations)
        self.bottleneck = _normalised(
            nn.Conv2d(len(dilations) * channels, channels, 3, padding=1, bias=False)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Read the classes from the features of all stages."""
        size = features[0].shape[-2:]
        joined = torch.cat(
            [
                F.interpolate(embed(stage), size=size, mode="bilinear")
                for embed, stage in zip(self.embeddings, features, strict=True)
            ],
            dim=1,
        )
        pyramid = torch.cat([branch(joined) for branch in self.branches], dim=1)
        logits: Tensor = self.classifier(self.dropout(self.bottleneck(pyramid)))
        return logits


def _branch(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    across = _normalised(nn.Conv2d(inputs, outputs, 1, bias=False))
    if dilation == 1:
        return across
    around = nn.Conv2d(
        inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False
    )
    return nn.Sequential(_normalised(around), across)


def _normalised(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU())
