"""Small networks between the blocks of SAM's encoder.

After SAM-Adapter (Chen et al., "SAM Fails to Segment Anything?", 2023, arXiv 2304.09148).
"""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.own_decoding import decode_with
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_encoder import run_block
from goodsam_pl.sam.image_prompts import ImagePrompts

__all__ = ["BottleneckAdapter"]


class BottleneckAdapter(Adapter):
    r"""What goes into each block is changed first.

    .. math:: x_i' = x_i + W_{up} \operatorname{GELU}(W_i x_i + b_i) + b_{up}

    As in SAM-Adapter there is one W_i a block and one W_up for all; there the bottleneck reads the
    patches and their high frequencies, here the tokens of the block, and SAM's decoder stays frozen
    (ours). W_up and b_up begin with zeros, so that the mask begins as SAM's.

    Images are encoded anew with each adapter: nothing that SAM said of them can be kept.

    Args:
        sam: which it is made for.
        width: of the bottleneck; SAM-Adapter has a thirty-second of the tokens' channels.
    """

    changes_embedding: ClassVar[bool] = True

    def __init__(self, sam: FrozenSam, width: int = 24) -> None:
        super().__init__()
        shape = sam.shape
        self.down = nn.ModuleList(nn.Linear(shape.tokens, width) for _ in range(shape.blocks))
        self.up = nn.Linear(width, shape.tokens)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def encode(self, sam: FrozenSam, images: Tensor) -> SamFeatures:
        """What the encoder says with the bottlenecks in it."""
        sam.read_postponed()
        return sam.encode_by(
            images, lambda index, block, tokens: run_block(block, self._changed(index, tokens))
        )

    def forward(self, sam: FrozenSam, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """Draw a mask for each image, see :class:`Adapter`."""
        return decode_with(sam.sam.mask_decoder, sam, features, prompts)

    def _changed(self, index: int, tokens: Tensor) -> Tensor:
        added: Tensor = self.up(F.gelu(self.down[index](tokens)))
        return tokens + added
