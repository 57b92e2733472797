"""SAM's image encoder in little memory, which is what its speed on a CPU hangs on.

The result is that of :class:`segment_anything.modeling.ImageEncoderViT`. A block that attends to
the whole image compares 4096 tokens with 4096, in each of its heads: those scores take more than a
processor's caches hold many times over, and are gone through four times. Here a few heads, or a few
rows of one, are finished before the next are begun. (Our choice.)

Who changes what a block says, or listens to it, gives the pass a way to run blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from segment_anything.modeling import ImageEncoderViT
from segment_anything.modeling.image_encoder import (
    get_rel_pos,
    window_partition,
    window_unpartition,
)
from torch import Tensor

from goodsam_pl.networks.small_sam_encoder import SmallEncoder

__all__ = [
    "BlockRun",
    "attend_in_windows",
    "encode_images",
    "encode_through",
    "patch_tokens",
    "run_block",
    "transformer_of",
]

BlockRun = Callable[[int, Any, Tensor], Tensor]
"""Runs a block: its index, the block, tokens ``(N, h, w, D)``; the tokens after it."""

_CPU_SCORES, _DEVICE_SCORES = 1 << 20, 1 << 28
"""Attention scores that are computed together: 4 MiB on a CPU, 1 GiB where caches matter less."""


def encode_images(encoder: ImageEncoderViT | SmallEncoder, images: Tensor) -> Tensor:
    """Embed images as the encoder does.

    Args:
        encoder: the model's encoder.
        images: ``(N, 3, s, s)`` float, normalised, of the side that the encoder takes.

    Returns:
        ``(N, C, h, w)`` float.
    """
    return encode_through(encoder, images, lambda _, block, tokens: run_block(block, tokens))


def encode_through(
    encoder: ImageEncoderViT | SmallEncoder, images: Tensor, run: BlockRun
) -> Tensor:
    """As :func:`encode_images`, with another way to run blocks; gradients flow where they are on.

    Args:
        encoder: the model's encoder.
        images: ``(N, 3, s, s)`` float, normalised, of the side that the encoder takes.
        run: called for each block in turn.

    Returns:
        ``(N, C, h, w)`` float, details behind it if the encoder has any.
    """
    if isinstance(encoder, SmallEncoder):
        return encoder.encode(images, partial(_run_vit, encoder.vit, run=run))
    return _run_vit(encoder, images, run)


def transformer_of(encoder: ImageEncoderViT | SmallEncoder) -> ImageEncoderViT:
    """The blocks with what is before and behind them; the small SAM has convolutions before it."""
    return encoder.vit if isinstance(encoder, SmallEncoder) else encoder


def patch_tokens(encoder: ImageEncoderViT | SmallEncoder, images: Tensor) -> Tensor:
    """What the first block is given.

    Args:
        encoder: the model's encoder.
        images: ``(N, 3, s, s)`` float, normalised, of the side that the encoder takes.

    Returns:
        ``(N, h, w, D)`` float, places added.
    """
    if isinstance(encoder, SmallEncoder):
        images = encoder.coarse(encoder.fine(images))
    return _placed_tokens(transformer_of(encoder), images)


def run_block(block: Any, tokens: Tensor) -> Tensor:
    """What a block makes of tokens ``(N, h, w, D)``."""
    tokens = tokens + attend_in_windows(block, block.norm1(tokens))
    after: Tensor = tokens + block.mlp(block.norm2(tokens))
    return after


def attend_in_windows(block: Any, tokens: Tensor) -> Tensor:
    """A block's attention on normed tokens ``(N, h, w, D)``, within its windows if it has any."""
    if block.window_size == 0:
        return _attend(block.attn, tokens)
    size = (tokens.shape[1], tokens.shape[2])
    windows, padded = window_partition(tokens, block.window_size)
    seen: Tensor = window_unpartition(_attend(block.attn, windows), block.window_size, padded, size)
    return seen


def _run_vit(vit: ImageEncoderViT, images: Tensor, run: BlockRun) -> Tensor:
    tokens = _placed_tokens(vit, images)
    for index, block in enumerate(vit.blocks):
        tokens = run(index, block, tokens)
    embeddings: Tensor = vit.neck(tokens.permute(0, 3, 1, 2))
    return embeddings


def _placed_tokens(vit: ImageEncoderViT, images: Tensor) -> Tensor:
    tokens: Tensor = vit.patch_embed(images)
    return tokens if vit.pos_embed is None else tokens + vit.pos_embed


def _attend(attention: Any, tokens: Tensor) -> Tensor:
    """Self-attention of ``(N, h, w, C)`` with what it adds to scores for relative places."""
    count, height, width = tokens.shape[:3]
    projected = attention.qkv(tokens).reshape(count, height * width, 3, attention.num_heads, -1)
    queries, keys, values = projected.permute(2, 0, 3, 1, 4).flatten(1, 2).unbind(0)
    places = _relative_places(attention, queries, (height, width))
    scaled, keys = queries * attention.scale, keys.transpose(1, 2)
    seen = torch.empty_like(values)
    for heads, rows in _parts(queries, height):
        some = slice(rows.start * width, rows.stop * width)
        scores = scaled[heads, some] @ keys[heads]
        if places is not None:
            by_place = scores.view(len(scores), -1, width, height, width)
            by_place += places[0][heads, rows, :, :, None]
            by_place += places[1][heads, rows, :, None, :]
        seen[heads, some] = (scores.softmax(dim=-1) @ values[heads]).to(seen.dtype)
    by_head = seen.view(count, attention.num_heads, height, width, -1)
    mixed: Tensor = attention.proj(by_head.permute(0, 2, 3, 1, 4).reshape(tokens.shape))
    return mixed


def _relative_places(
    attention: Any, queries: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor] | None:
    """What is added to scores for rows ``(G, h, w, h)`` and for columns ``(G, h, w, w)``, if so."""
    if not attention.use_rel_pos:
        return None
    height, width = size
    placed = queries.unflatten(1, size)
    rows = get_rel_pos(height, height, attention.rel_pos_h)
    columns = get_rel_pos(width, width, attention.rel_pos_w)
    return (
        torch.einsum("ghwc,hkc->ghwk", placed, rows),
        torch.einsum("ghwc,wkc->ghwk", placed, columns),
    )


def _parts(queries: Tensor, height: int) -> list[tuple[slice, slice]]:
    """Heads and rows of queries ``(G, h·w, c)`` that are compared with all keys together."""
    most = _CPU_SCORES if queries.device.type == "cpu" else _DEVICE_SCORES
    heads, tokens, _ = queries.shape
    heads_together = max(1, most // tokens**2)
    rows_together = max(1, min(height, most * height // tokens**2))
    return [
        (slice(head, head + heads_together), slice(row, min(row + rows_together, height)))
        for head in range(0, heads, heads_together)
        for row in range(0, height, rows_together)
    ]
