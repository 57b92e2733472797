"""SAM's single mask by a decoder that may be another than SAM's own."""

from __future__ import annotations

from segment_anything.modeling import MaskDecoder
from torch import Tensor, cat

from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import EmbeddedPrompts, ImagePrompts
from goodsam_pl.sam.paired_prompts import decode_pairs, single_mask

__all__ = ["decode_with"]


def decode_with(
    decoder: MaskDecoder,
    sam: FrozenSam,
    features: SamFeatures,
    prompts: ImagePrompts,
    further: Tensor | None = None,
) -> Tensor:
    """Draw masks of B images together, with gradients where they are on.

    Args:
        decoder: of the SAM's shape.
        sam: whose prompt encoder and places are taken.
        features: of B images.
        prompts: of the same images.
        further: ``(B, P, C)`` float, tokens that stand behind those of the prompts.

    Returns:
        Logits ``(B, 1, 4h, 4w)`` float.
    """
    embedded = prompts.embed(sam.sam.prompt_encoder)
    if further is not None:
        embedded = EmbeddedPrompts(cat([embedded.sparse, further], dim=1), embedded.dense)
    return single_mask(decoder, decode_pairs(decoder, sam.places(), features.embedding, embedded))
