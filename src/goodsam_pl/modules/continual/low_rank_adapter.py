"""Low-rank terms beside the attention of SAM's last blocks.

After SAMCL's AugModule (arXiv 2412.05012) and LoRA (Hu et al., ICLR 2022).
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.own_decoding import decode_with
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_encoder import attend_in_windows, run_block
from goodsam_pl.sam.image_prompts import ImagePrompts

__all__ = ["LowRankAdapter", "first_adapted_block"]


class LowRankAdapter(Adapter):
    r"""Attention of the last blocks says a little more.

    .. math:: \mathrm{attn}_i'(x) = \mathrm{attn}_i(x) + B_i \, \mathrm{LN}_i(A x + a) + b_i

    A is one for all blocks, B_i and the norm are of each. As released by SAMCL: rank 10, the last
    five blocks of ViT-B's twelve, B_i and b_i begin with zeros. Left out is its heat map of the
    prompts, which would make an embedding of each prompt.

    Images are encoded anew with each adapter: what SAM said of them can be kept for routing alone.

    Args:
        sam: which it is made for.
        rank: of A and B_i.
    """

    changes_embedding: ClassVar[bool] = True

    def __init__(self, sam: FrozenSam, rank: int = 10) -> None:
        super().__init__()
        shape = sam.shape
        self.first = first_adapted_block(shape.blocks)
        count = shape.blocks - self.first
        self.down = nn.Linear(shape.tokens, rank)
        self.norms = nn.ModuleList(nn.LayerNorm(rank) for _ in range(count))
        self.up = nn.ModuleList(nn.Linear(rank, shape.tokens) for _ in range(count))
        for each in self.up.parameters():
            nn.init.zeros_(each)

    def encode(self, sam: FrozenSam, images: Tensor) -> SamFeatures:
        """What the encoder says with the terms in it."""
        sam.read_postponed()
        return sam.encode_by(images, self._run)

    def forward(self, sam: FrozenSam, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """Draw a mask for each image, see :class:`Adapter`."""
        return decode_with(sam.sam.mask_decoder, sam, features, prompts)

    def _run(self, index: int, block: Any, tokens: Tensor) -> Tensor:
        if index < self.first:
            return run_block(block, tokens)
        place = index - self.first
        normed = block.norm1(tokens)
        term = self.up[place](self.norms[place](self.down(normed)))
        tokens = tokens + attend_in_windows(block, normed) + term
        after: Tensor = tokens + block.mlp(block.norm2(tokens))
        return after


def first_adapted_block(blocks: int) -> int:
    """The first block that is changed, counted from 0: 7 of ViT-B's 12, alike in others (ours)."""
    return blocks * 7 // 12
