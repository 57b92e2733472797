"""SAM's mask decoder for B images with one prompt each, where Meta's takes one image at a time.

Gradients flow where they are on: adapters learn through a frozen decoder.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from segment_anything.modeling import MaskDecoder
from torch import Tensor

from goodsam_pl.networks.small_sam_decoder import SmallDecoder
from goodsam_pl.networks.small_sam_encoder import split_embedding
from goodsam_pl.sam.image_prompts import EmbeddedPrompts

__all__ = ["PairedDecoding", "decode_pairs", "single_mask"]


class PairedDecoding(NamedTuple):
    """What the decoder says before a mask is drawn.

    Attributes:
        masks: ``(B, 4, C)`` float, tokens of the single mask and of the three.
        further: ``(B, E, C)`` float, the further tokens that were given; E may be 0.
        features: ``(B, c, 4h, 4w)`` float, which masks are drawn from.
    """

    masks: Tensor
    further: Tensor
    features: Tensor


def decode_pairs(
    decoder: MaskDecoder,
    position: Tensor,
    packed: Tensor,
    prompts: EmbeddedPrompts,
    further: Tensor | None = None,
) -> PairedDecoding:
    """Run the decoder's transformer and enlarge what it sees.

    Args:
        decoder: SAM's, or that of the small SAM.
        position: ``(1, C, h, w)`` float, SAM's encoding of places.
        packed: ``(B, C, h, w)`` float, embeddings, with details behind them if any.
        prompts: of the same B images.
        further: ``(E, C)`` float, tokens that stand behind SAM's own and before the prompts, as
            HQ-SAM's does (Ke et al., "Segment Anything in High Quality", NeurIPS 2023).
    """
    embedding, details = split_embedding(packed, decoder.transformer_dim)
    own = [decoder.iou_token.weight, decoder.mask_tokens.weight]
    learned = torch.cat(own if further is None else [*own, further])
    tokens = torch.cat([learned.expand(len(packed), -1, -1), prompts.sparse], dim=1)
    seen = embedding + prompts.dense
    tokens, places = decoder.transformer(seen, position.expand_as(seen), tokens)
    grid = places.transpose(1, 2).unflatten(2, seen.shape[2:])
    if isinstance(decoder, SmallDecoder):
        features = decoder.enlarge(grid, details)
    else:
        features = decoder.output_upscaling(grid)
    end = 1 + decoder.num_mask_tokens
    return PairedDecoding(tokens[:, 1:end], tokens[:, end : len(learned)], features)


def single_mask(decoder: MaskDecoder, decoded: PairedDecoding) -> Tensor:
    """SAM's mask where it is asked for one: logits ``(B, 1, 4h, 4w)``."""
    weights = decoder.output_hypernetworks_mlps[0](decoded.masks[:, 0])
    return torch.einsum("bc,bchw->bhw", weights, decoded.features).unsqueeze(1)
