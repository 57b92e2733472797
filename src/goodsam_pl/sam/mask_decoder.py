"""SAM's mask decoder for many point prompts on many images, reordered to cost less.

The result is that of :class:`segment_anything.modeling.MaskDecoder` up to rounding. Three things
are done in another order:

* the predicted IoU depends on the prompt's tokens alone, so it is known before any mask is drawn,
  and masks that would be thrown away are never drawn (:mod:`goodsam_pl.sam.mask_logits` draws);
* a prompt has seven tokens and an image hundreds: instead of projecting all image tokens to
  queries, keys and values for each prompt, the projections are folded into the seven;
* the first layer sees the same image tokens for all prompts and does not copy them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from segment_anything.modeling import Sam, TwoWayTransformer
from torch import Tensor, nn

from goodsam_pl.networks.small_sam_encoder import Details, split_embedding

__all__ = ["DecodedPoints", "decode_points"]


class DecodedPoints(NamedTuple):
    """What the decoder's transformer says about ``B`` prompts.

    Attributes:
        predicted_iou: ``(B, 3)`` float, the model's guess of each mask's IoU with its object.
        mask_tokens: ``(B, 3, C)`` float, the tokens that masks are drawn from.
        image_tokens: ``(B, h·w, C)`` float, the image as seen in the light of each prompt.
        details: what is added while image tokens are enlarged, of N images; ``None`` in a SAM
            without.
    """

    predicted_iou: Tensor
    mask_tokens: Tensor
    image_tokens: Tensor
    details: Details | None


def decode_points(sam: Sam, embeddings: Tensor, points: Tensor) -> DecodedPoints:
    """Run the decoder's transformer for single foreground points; draws no masks yet.

    Args:
        sam: the model.
        embeddings: ``(N, C, h, w)`` float, image embeddings, with details behind them if any.
        points: ``(N, P, 2)`` float, P points on each image, ``(x, y)`` in pixels of the encoder's
            input.

    Returns:
        ``N·P`` prompts, image by image.
    """
    decoder = sam.mask_decoder
    tokens = _embed_points(sam, points)
    embeddings, details = split_embedding(embeddings, decoder.transformer_dim)
    image_tokens = embeddings.flatten(2).transpose(1, 2) + sam.prompt_encoder.no_mask_embed.weight
    position = sam.prompt_encoder.get_dense_pe()[0].flatten(1).T
    tokens, image_tokens = _two_ways(decoder.transformer, image_tokens, position, tokens)
    return DecodedPoints(
        predicted_iou=decoder.iou_prediction_head(tokens[:, 0])[:, 1:],
        mask_tokens=tokens[:, 2 : 1 + decoder.num_mask_tokens],
        image_tokens=image_tokens,
        details=details,
    )


def _embed_points(sam: Sam, points: Tensor) -> Tensor:
    """Tokens ``(N·P, T, C)`` that go into the transformer for points ``(N, P, 2)``."""
    flat = points.reshape(-1, 1, 2)
    labels = torch.ones(flat.shape[:2], dtype=torch.int, device=flat.device)
    prompts, _ = sam.prompt_encoder(points=(flat, labels), boxes=None, masks=None)
    learned = torch.cat([sam.mask_decoder.iou_token.weight, sam.mask_decoder.mask_tokens.weight])
    return torch.cat([learned.expand(len(prompts), -1, -1), prompts], dim=1)


def _two_ways(
    transformer: TwoWayTransformer, image: Tensor, position: Tensor, tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """``TwoWayTransformer`` of an image ``(N, S, C)``, positions ``(S, C)``, tokens ``(B, T, C)``.

    The first layer's image is one for all prompts of an image, ``B = N·P``.
    """
    queries, seen = tokens, _Seen(image, image + position)
    for layer in transformer.layers:
        if layer.skip_first_layer_pe:
            queries = layer.self_attn(q=queries, k=queries, v=queries)
        else:
            placed = queries + tokens
            queries = queries + layer.self_attn(q=placed, k=placed, v=queries)
        queries = layer.norm1(queries)
        reading, telling = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        queries = layer.norm2(queries + _read_image(reading, queries + tokens, seen))
        queries = layer.norm3(queries + layer.mlp(queries))
        image = layer.norm4(_tell_image(telling, seen, queries, tokens))
        seen = _Seen(image, image + position)
    read = _read_image(transformer.final_attn_token_to_image, queries + tokens, seen)
    return transformer.norm_final_attn(queries + read), image


class _Seen(NamedTuple):
    """An image as tokens attend to it: ``(N, S, C)`` alone, and with positions added."""

    tokens: Tensor
    placed: Tensor


def _read_image(attention: Any, queries: Tensor, image: _Seen) -> Tensor:
    """What tokens ``(B, T, C)`` see when they attend to an image.

    With per-head weights, :math:`(q W_q)(k W_k)^T = (q W_q W_k^T) k^T` and
    :math:`A (v W_v) = (A v) W_v`: the image is only read. A bias on the keys adds the same to all
    scores of a query, which softmax does not see.
    """
    batch, count, _ = queries.shape
    scaled, heads = _project(attention.q_proj, queries, attention.num_heads)
    folded = torch.einsum("bthc,hcd->bhtd", scaled, _by_head(attention.k_proj, heads))
    scores = _compare(folded, image)
    context = (scores.softmax(dim=-1) @ image.tokens).reshape(batch, heads, count, -1)
    mixed = torch.einsum("bhtd,hcd->bthc", context, _by_head(attention.v_proj, heads))
    seen: Tensor = attention.out_proj(mixed.flatten(2) + attention.v_proj.bias)
    return seen


def _tell_image(attention: Any, image: _Seen, queries: Tensor, tokens: Tensor) -> Tensor:
    """An image plus what tokens tell it when it attends to them: ``(B, S, C)``.

    The weights of a head sum to one, so that the bias of the output can be added to what the
    tokens tell.
    """
    scaled, heads = _project(attention.k_proj, queries + tokens, attention.num_heads)
    folded = torch.einsum("bthc,hcd->bhtd", scaled, _by_head(attention.q_proj, heads))
    bias = torch.einsum("bthc,hc->bht", scaled, attention.q_proj.bias.unflatten(0, (heads, -1)))
    scores = _compare(folded, image)
    weights = (scores.reshape(*bias.shape, -1) + bias.unsqueeze(-1)).softmax(dim=2).flatten(1, 2)
    values = attention.v_proj(queries).unflatten(-1, (heads, -1))
    outward = attention.out_proj.weight.unflatten(1, (heads, -1))
    told = torch.einsum("bthc,dhc->bhtd", values, outward) + attention.out_proj.bias / heads
    count, places, channels = image.tokens.shape
    repeated = image.tokens.unsqueeze(1).expand(-1, len(tokens) // count, -1, -1)
    repeated = repeated.reshape(-1, places, channels)
    return torch.baddbmm(repeated, weights.transpose(1, 2), told.flatten(1, 2))


def _compare(folded: Tensor, image: _Seen) -> Tensor:
    """Scalar products ``(N, n, S)`` of queries ``(B, heads, T, C)`` with image tokens in place."""
    queries = folded.reshape(len(image.placed), -1, image.placed.shape[2])
    return queries @ image.placed.transpose(1, 2)


def _project(linear: nn.Linear, tokens: Tensor, heads: int) -> tuple[Tensor, int]:
    """Project to ``(B, T, heads, c)``, divided by the root of c as attention scores are."""
    projected = linear(tokens).unflatten(-1, (heads, -1))
    return projected / math.sqrt(projected.shape[-1]), heads


def _by_head(linear: nn.Linear, heads: int) -> Tensor:
    """The weight as ``(heads, c, C)``."""
    return linear.weight.reshape(heads, -1, linear.in_features)
