"""Masks drawn from decoded points: whole, in sketches, or along their outlines only.

SAM upscales the image tokens of each prompt by transposed convolutions and multiplies them with
what the prompt's mask tokens become. Both look at one image token at a time, so that any of a
mask's blocks of 4×4 logits can be drawn without the others.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor, nn

from goodsam_pl.networks.small_sam_encoder import Details
from goodsam_pl.sam.mask_decoder import DecodedPoints

__all__ = ["draw_blocks", "draw_masks", "draw_outlines", "sketch_masks"]


def draw_masks(sam: Sam, decoded: DecodedPoints, wanted: Tensor) -> Tensor:
    """Draw the wanted masks.

    Args:
        sam: the model.
        decoded: from :func:`goodsam_pl.sam.mask_decoder.decode_points`.
        wanted: ``(B, 3)`` bool.

    Returns:
        Low-resolution logits ``(wanted.sum(), 4h, 4w)`` float, ordered as ``wanted.nonzero()``.
    """
    prompts = wanted.any(dim=1)
    chosen = decoded._replace(
        predicted_iou=decoded.predicted_iou[prompts],
        mask_tokens=decoded.mask_tokens[prompts],
        image_tokens=decoded.image_tokens[prompts],
        details=_details_of(decoded, prompts),
    )
    return _lay_blocks(sam, draw_blocks(sam, chosen)[wanted[prompts]])


def draw_blocks(sam: Sam, decoded: DecodedPoints) -> Tensor:
    """Logits ``(B, 3, S, 16)``: each image token becomes a block of 4×4 logits.

    A transposed convolution of kernel and stride 2 is a linear map of each token to a 2×2 block;
    the two of them are done so, and only logits, not features, are put in their places. A block is
    ordered as quarters of quarters: (upper/lower, left/right, upper/lower, left/right).
    """
    features = _upscale(sam, decoded.image_tokens, decoded.details).flatten(1, -2)
    logits: Tensor = features @ _mask_weights(sam, decoded.mask_tokens)
    count = decoded.image_tokens.shape[1]
    return logits.transpose(1, 2).reshape(*decoded.predicted_iou.shape, count, 16)


def sketch_masks(sam: Sam, decoded: DecodedPoints) -> Tensor:
    """All masks ``(B, 3, h, w)``, one logit a token: that right below the middle of its 4×4 block.

    Both transposed convolutions are followed in one of their four directions only, so that a
    sketch costs a tenth of a drawing and its logits are those of the drawing.
    """
    first, norm, activation, second, last = sam.mask_decoder.output_upscaling
    details = decoded.details
    tokens = F.linear(decoded.image_tokens, first.weight[:, :, 1, 1].T, first.bias)
    if details is not None:
        tokens = _add(tokens, details.quarters[:, :, 3])
    tokens = F.layer_norm(tokens, norm.weight.shape, norm.weight, norm.bias, norm.eps)
    tokens = _activate(activation, tokens)
    tokens = F.linear(tokens, second.weight[:, :, 0, 0].T, second.bias)
    if details is not None:
        tokens = _add(tokens, details.sixteenths[:, :, 3, 0])
    tokens = _activate(last, tokens)
    logits: Tensor = _mask_weights(sam, decoded.mask_tokens).mT @ tokens.mT
    rows, columns = sam.prompt_encoder.image_embedding_size
    return logits.reshape(*logits.shape[:-1], rows, columns)


def draw_outlines(
    sam: Sam, decoded: DecodedPoints, sketches: Tensor, chosen: tuple[Tensor, Tensor], offset: float
) -> Tensor:
    """Draw masks where their sketch comes near zero, and repeat the sketch elsewhere.

    Of a mask's blocks of 4×4 logits, one in six lies along its outline. The others are all inside
    or all outside, unless there is a detail there that the sketch has missed.

    Args:
        sam: the model.
        decoded: from :func:`goodsam_pl.sam.mask_decoder.decode_points`.
        sketches: ``(K, h, w)`` float, of the chosen masks.
        chosen: the prompt of each, ``(K,)`` int64, and which of its three masks, ``(K,)`` int64.
        offset: how near to zero logits matter.

    Returns:
        Low-resolution logits ``(K, 4h, 4w)`` float.
    """
    prompts, masks = chosen
    highest, lowest = (F.max_pool2d(sign * sketches, 3, 1, 1) for sign in (1, -1))
    near = (torch.minimum(highest, lowest) > -offset).flatten(1)
    which, place = near.nonzero(as_tuple=True)
    details = decoded.details
    if details is not None:
        images = _images(decoded)[prompts[which]]
        details = Details(*(part[images, place].unsqueeze(0) for part in details))
    tokens = decoded.image_tokens[prompts[which], place].unsqueeze(0)
    features = _upscale(sam, tokens, details)[0].flatten(1, 2)
    asked, rows = prompts.unique(return_inverse=True)
    weights = _mask_weights(sam, decoded.mask_tokens[asked])[rows, :, masks]
    blocks = sketches.flatten(1).unsqueeze(-1).repeat(1, 1, 16)
    blocks[which, place] = (features @ weights[which].unsqueeze(-1)).squeeze(-1).to(blocks.dtype)
    return _lay_blocks(sam, blocks)


def _lay_blocks(sam: Sam, blocks: Tensor) -> Tensor:
    """Put blocks ``(K, h·w, 16)`` in their places, ``(K, 4h, 4w)``."""
    rows, columns = sam.prompt_encoder.image_embedding_size
    fine = blocks.reshape(-1, rows, columns, 2, 2, 2, 2).permute(0, 1, 3, 5, 2, 4, 6)
    return fine.reshape(-1, 4 * rows, 4 * columns)


def _upscale(sam: Sam, tokens: Tensor, details: Details | None) -> Tensor:
    """Features ``(B, S, 4, 4, c)`` of the 16 logits of each image token ``(B, S, C)``."""
    first, norm, activation, second, last = sam.mask_decoder.output_upscaling
    tokens = _unfold(first, tokens)
    if details is not None:
        tokens = _add(tokens, details.quarters)
    tokens = F.layer_norm(tokens, norm.weight.shape, norm.weight, norm.bias, norm.eps)
    tokens = _unfold(second, _activate(activation, tokens))
    if details is not None:
        tokens = _add(tokens, details.sixteenths)
    return _activate(last, tokens)


def _details_of(decoded: DecodedPoints, prompts: Tensor) -> Details | None:
    """The details for some prompts ``(B,)`` bool; those of a single image are not copied."""
    details = decoded.details
    if details is None or len(details.quarters) == 1:
        return details
    return Details(*(part[_images(decoded)[prompts]] for part in details))


def _images(decoded: DecodedPoints) -> Tensor:
    """The image of each prompt, int64 ``(B,)``."""
    count = 1 if decoded.details is None else len(decoded.details.quarters)
    prompts = len(decoded.mask_tokens)
    number = torch.arange(prompts, device=decoded.mask_tokens.device)
    return number * count // max(1, prompts)


def _add(features: Tensor, details: Tensor) -> Tensor:
    """Add the details of N images ``(N, …)`` to the features of their prompts ``(N·P, …)``."""
    if not len(features):
        return features
    by_image: Tensor = features.unflatten(0, (len(details), -1))
    return (by_image + details.unsqueeze(1)).flatten(0, 1)


def _activate(activation: nn.Module, features: Tensor) -> Tensor:
    """Apply an activation, in place where torch can: a copy would cost more than the maximum."""
    if isinstance(activation, nn.ReLU):
        return features.relu_()
    activated: Tensor = activation(features)
    return activated


def _mask_weights(sam: Sam, mask_tokens: Tensor) -> Tensor:
    """What each mask multiplies features with, ``(B, c, 3)``."""
    heads = sam.mask_decoder.output_hypernetworks_mlps[1:]
    weights = [head(mask_tokens[:, index]) for index, head in enumerate(heads)]
    return torch.stack(weights, dim=2)


def _unfold(upscaling: Any, tokens: Tensor) -> Tensor:
    """``(…, C)`` to ``(…, 4, c)``, a block of 2×2 for each token."""
    weight = upscaling.weight.permute(2, 3, 1, 0).flatten(0, 2)
    blocks = F.linear(tokens, weight, upscaling.bias.repeat(4))
    return blocks.reshape(*tokens.shape[:-1], 4, upscaling.out_channels)
