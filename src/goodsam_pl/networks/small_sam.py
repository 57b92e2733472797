"""A small Segment Anything model from the ``segment_anything`` classes.

The image encoder, the prompt encoder and the mask decoder are those of SAM (Kirillov et al.,
"Segment Anything", ICCV 2023), only narrower and shallower, so that whatever drives the large
checkpoints drives this one too. Three things differ, because they learn from far
fewer images (our choice): the image becomes tokens through a small residual network instead of one
large patch projection (after Xiao et al., "Early Convolutions Help Transformers See Better",
NeurIPS 2021); the random frequencies of the positional encoding are higher, so that neighbouring
tokens are told apart from the start; and the decoder is initialised so that it compares.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn

__all__ = ["NANO", "NANO_WEIGHTS", "SmallSamSize", "build_small_sam"]

NANO_WEIGHTS = Path(__file__).parent.parent / "pretrained" / "vit_nano.safetensors"
"""The weights of :data:`NANO` that come with the package; their model card lies beside them."""

_PATCH = 8
_GROUPS = 8
_SHARPNESS = 2.0  # encodings of neighbours among 24×24 tokens: similarity 0.58 instead of 0.87


class SmallSamSize(NamedTuple):
    """What sets the size of a small SAM.

    Attributes:
        image_size: side of the square input, pixels; a multiple of 8 times ``window_size``.
        width: channels of the encoder's tokens; a multiple of 32.
        depth: transformer blocks of the encoder.
        heads: attention heads of the encoder.
        window_size: side of the attention windows, tokens.
        global_blocks: blocks that attend to the whole image instead.
        embedding: channels of the image embedding and of the decoder; a multiple of 16.
        mask_features: channels of the features that masks are drawn from.
    """

    image_size: int = 192
    width: int = 128
    depth: int = 4
    heads: int = 4
    window_size: int = 8
    global_blocks: tuple[int, ...] = (1, 3)
    embedding: int = 64
    mask_features: int = 32


NANO = SmallSamSize()
"""``vit_nano``: a 192×192 window becomes 24×24 tokens, its masks have 96×96 logits."""


def build_small_sam(size: SmallSamSize = NANO) -> Sam:
    """Build a small SAM with random weights, in evaluation mode.

    Args:
        size: its dimensions.

    Raises:
        ValueError: the image does not split into whole attention windows.
    """
    if size.image_size % (_PATCH * size.window_size):
        raise ValueError(
            f"image size {size.image_size} does not split into attention windows of "
            f"{size.window_size} tokens of {_PATCH} pixels: choose a multiple of "
            f"{_PATCH * size.window_size}"
        )
    grid = size.image_size // _PATCH
    encoder = ImageEncoderViT(
        img_size=size.image_size,
        patch_size=_PATCH,
        embed_dim=size.width,
        depth=size.depth,
        num_heads=size.heads,
        out_chans=size.embedding,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        window_size=size.window_size,
        global_attn_indexes=size.global_blocks,
    )
    encoder.patch_embed = ConvolutionalPatches(size.width)
    prompts = PromptEncoder(
        embed_dim=size.embedding,
        image_embedding_size=(grid, grid),
        input_image_size=(size.image_size, size.image_size),
        mask_in_chans=16,
    )
    prompts.pe_layer.positional_encoding_gaussian_matrix *= _SHARPNESS
    decoder = MaskDecoder(
        transformer_dim=size.embedding,
        transformer=TwoWayTransformer(
            depth=2, embedding_dim=size.embedding, num_heads=2, mlp_dim=4 * size.embedding
        ),
        iou_head_hidden_dim=size.embedding,
    )
    _widen_mask_features(decoder, size.mask_features)
    sam = Sam(encoder, prompts, decoder)
    _start_as_comparison(sam)
    return sam.eval()


def _widen_mask_features(decoder: MaskDecoder, width: int) -> None:
    """Give the decoder's pixels as many features as in the large models.

    ``MaskDecoder`` takes an eighth of its channels, which is 32 there and too few here to tell one
    of thirty objects from all others.
    """
    channels = decoder.transformer_dim
    decoder.output_upscaling = nn.Sequential(
        nn.ConvTranspose2d(channels, width, kernel_size=2, stride=2),
        LayerNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, width, kernel_size=2, stride=2),
        nn.ReLU(),
    )
    decoder.output_hypernetworks_mlps = nn.ModuleList(
        MLP(channels, channels, width, 3) for _ in decoder.output_hypernetworks_mlps
    )


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
    sam.image_encoder.neck[-1].weight.fill_(0.5)
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


class ConvolutionalPatches(nn.Sequential):
    """A small residual network that turns patches of 8×8 pixels into tokens.

    Args:
        width: channels of the tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(3, width // 4, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(_GROUPS, width // 4),
            nn.ReLU(),
            nn.Conv2d(width // 4, width // 2, kernel_size=3, stride=2, padding=1),
            ResidualBlock(width // 2),
            nn.Conv2d(width // 2, width, kernel_size=3, stride=2, padding=1),
            ResidualBlock(width),
            ResidualBlock(width),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to tokens ``(B, H/8, W/8, width)``."""
        tokens: Tensor = super().forward(images)  # type: ignore[no-untyped-call]  # torch's
        return tokens.permute(0, 2, 3, 1)


class ResidualBlock(nn.Module):
    """Two convolutions that add to what they see, normalised first.

    Args:
        channels: before and after, a multiple of 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(_GROUPS, channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.GroupNorm(_GROUPS, channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        added: Tensor = self.layers(features)
        return features + added
