"""Tokens that go through SAM's encoder in front of the patches, and come out knowing the image.

So CoSAM's MoDA (arXiv 2412.06418) asks a frozen encoder about a whole image. The pass is one of its
own: what segments an image never sees the tokens.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from segment_anything.modeling import ImageEncoderViT
from torch import Tensor, cat, is_grad_enabled
from torch.utils.checkpoint import checkpoint

from goodsam_pl.networks.small_sam_encoder import SmallEncoder
from goodsam_pl.sam.image_encoder import patch_tokens, transformer_of

__all__ = ["pass_tokens"]


def pass_tokens(encoder: ImageEncoderViT | SmallEncoder, images: Tensor, tokens: Tensor) -> Tensor:
    """Let tokens and patches attend to each other in all blocks, with the encoder's weights.

    Attention is of the whole image in every block, and nothing is added to scores for relative
    places: windows and relative places belong to a grid, and tokens have no place in it. Where
    tokens learn, activations are computed again in the backward pass instead of being kept (ours):
    a block of ViT-B would keep over 100 MiB an image.

    Args:
        encoder: the model's encoder, frozen; the small SAM's has its blocks behind convolutions,
            and is asked alike.
        images: ``(B, 3, s, s)`` float, normalised, of the encoder's side.
        tokens: ``(T, D)`` float, without places.

    Returns:
        The tokens after the last block, ``(B, T, D)`` float.
    """
    patches = patch_tokens(encoder, images).flatten(1, 2)
    sequence = cat([tokens.expand(len(patches), -1, -1), patches], dim=1)
    learns = is_grad_enabled() and tokens.requires_grad
    blocks = transformer_of(encoder).blocks
    for index, block in enumerate(blocks):
        # of the last block's patches nobody asks
        kept = len(tokens) if index == len(blocks) - 1 else sequence.shape[1]
        if learns:
            sequence = checkpoint(_run, block, sequence, kept, use_reentrant=False)
        else:
            sequence = _run(block, sequence, kept)
    return sequence


def _run(block: Any, sequence: Tensor, kept: int) -> Tensor:
    """A block on ``(B, n, D)``, of which the first ones are kept."""
    attention = block.attn
    projected = attention.qkv(block.norm1(sequence)).unflatten(2, (3, attention.num_heads, -1))
    queries, keys, values = projected.permute(2, 0, 3, 1, 4)
    seen = F.scaled_dot_product_attention(queries[:, :, :kept], keys, values)
    sequence = sequence[:, :kept] + attention.proj(seen.transpose(1, 2).flatten(2))
    after: Tensor = sequence + block.mlp(block.norm2(sequence))
    return after
