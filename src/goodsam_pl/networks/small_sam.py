"""A small Segment Anything model from the ``segment_anything`` classes.

The transformers of the image encoder and of the mask decoder, and the prompt encoder, are those of
SAM (Kirillov et al., "Segment Anything", ICCV 2023), only narrower and shallower, so that whatever
drives the large checkpoints drives this one as well. Four things differ, because they learn from
far fewer images and have smaller things to draw (our choice): the image becomes tokens through a
small residual network instead of one large patch projection (after Xiao et al., "Early
Convolutions Help Transformers See Better", NeurIPS 2021); masks are drawn with features of finer
strides, which travel behind the embedding (:mod:`goodsam_pl.networks.small_sam_encoder`); the
random frequencies of the positional encoding are higher, so that neighbouring tokens differ from
the start; and the decoder is initialised so that it compares.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor, nn

from goodsam_pl.networks.network_state import load_weights
from goodsam_pl.networks.small_sam_decoder import SmallDecoder
from goodsam_pl.networks.small_sam_encoder import SmallEncoder

__all__ = ["NANO_WEIGHTS", "SmallSam"]

NANO_WEIGHTS = Path(__file__).parent.parent / "pretrained" / "vit_nano.safetensors"
"""The weights of ``vit_nano`` that come with the package; their model card lies beside them."""

_PATCH = 8
_SHARPNESS = 2.0  # encodings of neighbours among 24×24 tokens: similarity 0.58 instead of 0.87


class SmallSam(Sam):  # type: ignore[misc]  # segment_anything has no types
    """A small SAM, in evaluation mode; as it comes it is ``vit_nano``.

    A window of 192×192 pixels becomes 24×24 tokens, its masks have 96×96 logits.

    Args:
        image_size: side of the square input, pixels; a multiple of 8 times ``window_size``.
        width: channels of the encoder's tokens; a multiple of 32.
        depth: transformer blocks of the encoder.
        heads: attention heads of the encoder.
        window_size: side of the attention windows, tokens.
        global_blocks: blocks that attend to the whole image instead.
        embedding: channels of the image embedding and of the decoder; a multiple of 16.
        mask_features: channels of the features that masks are drawn from.
        weights: a file as :func:`goodsam_pl.networks.load_weights` takes it; ``None`` leaves
            random weights.

    Raises:
        ValueError: the image does not split into whole attention windows, or the weights are of
            another network.
    """

    def __init__(
        self,
        image_size: int = 192,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        window_size: int = 8,
        global_blocks: tuple[int, ...] = (1, 3),
        embedding: int = 64,
        mask_features: int = 32,
        weights: str | None = None,
    ) -> None:
        if image_size % (_PATCH * window_size):
            raise ValueError(
                f"image size {image_size} does not split into attention windows of {window_size} "
                f"tokens of {_PATCH} pixels: choose a multiple of {_PATCH * window_size}"
            )
        grid = image_size // _PATCH
        encoder = ImageEncoderViT(
            img_size=image_size,
            patch_size=_PATCH,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            out_chans=embedding,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            window_size=window_size,
            global_attn_indexes=global_blocks,
        )
        prompts = PromptEncoder(
            embed_dim=embedding,
            image_embedding_size=(grid, grid),
            input_image_size=(image_size, image_size),
            mask_in_chans=16,
        )
        prompts.pe_layer.positional_encoding_gaussian_matrix *= _SHARPNESS
        transformer = TwoWayTransformer(
            depth=2, embedding_dim=embedding, num_heads=2, mlp_dim=4 * embedding
        )
        decoder = SmallDecoder(transformer, embedding, mask_features)
        super().__init__(SmallEncoder(encoder, width, embedding, mask_features), prompts, decoder)
        _start_as_comparison(self)
        self.eval()
        if weights is not None:
            load_weights(self, weights)


@torch.no_grad()
def _start_as_comparison(sam: Sam) -> None:
    """Let the decoder's tokens read the embedding under the click before anything is learnt.

    Attention looks for what is alike, because queries and keys begin with the same weights, and
    hands it on as it is, because the output begins as the transpose of the values. Alike are first
    of all positions: everything else that is added to them begins small.
    """
    prompts, decoder = sam.prompt_encoder, sam.mask_decoder
    tokens = [*prompts.point_embeddings, prompts.not_a_point_embed, prompts.no_mask_embed]
    for embedding in (*tokens, decoder.iou_token, decoder.mask_tokens):
        embedding.weight.mul_(0.1)
    sam.image_encoder.vit.neck[-1].weight.fill_(0.5)
    transformer = decoder.transformer
    comparing = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        layer.norm1.weight.fill_(0.7)
        _hand_on(layer.self_attn)
        comparing += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in comparing:
        _hand_on(attention)
        attention.q_proj.weight.copy_(_frequencies(attention))
        attention.k_proj.weight.copy_(attention.q_proj.weight)


def _frequencies(attention: Any) -> Tensor:
    """Weight that gives each head some frequencies of the positional encoding, sines and cosines.

    The scalar product of two encodings then depends on their distance alone.
    """
    channels = attention.embedding_dim
    sines = torch.arange(attention.internal_dim // 2).reshape(attention.num_heads, -1)
    chosen = torch.cat([sines, sines + channels // 2], dim=1).flatten()
    return 2.2 * torch.eye(channels)[chosen]


def _hand_on(attention: Any) -> None:
    nn.init.orthogonal_(attention.v_proj.weight)
    attention.out_proj.weight.copy_(attention.v_proj.weight.T)
