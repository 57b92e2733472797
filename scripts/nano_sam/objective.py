"""SAM's training loss ("Segment Anything", ICCV 2023, Sec. 3 and App. A)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from nano_sam.prompts import Batch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.decoding import decode_tokens, embed_points, mask_features

__all__ = ["Losses", "Network", "losses", "network"]

Losses = dict[str, Tensor]
Network = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def network(sam: Sam) -> Network:
    """The part of a SAM that is worth compiling: all but the embedding of the clicks.

    Returns:
        Function of images ``(N, 3, S, S)``, 0 to 255, and tokens ``(N·P, T, C)`` that gives
        predicted IoU ``(N·P, 3)``, mask weights ``(N·P, 3, c)`` and features ``(N·P, c, h, w)``.
    """

    def run(images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embeddings = sam.image_encoder((images - sam.pixel_mean) / sam.pixel_std)
        decoded = decode_tokens(sam, embeddings, tokens)
        weights, features = mask_features(sam, decoded)
        return decoded.predicted_iou, weights, features

    return run


def losses(sam: Sam, run: Network, batch: Batch, generator: torch.Generator) -> Losses:
    """Focal, dice and IoU losses of one batch.

    Each click means its whole instance or the connected part under it, drawn anew each time; the
    best of the three masks is corrected, so that they learn to differ where a click is ambiguous.
    The predicted IoU of each mask aims at its IoU with the better of the two meanings. Which mask
    is best, and the IoU, are judged on every second row and column.

    Args:
        sam: in training mode.
        run: :func:`network` of it, compiled or not.
        batch: what to learn from.
        generator: draws the meanings.

    Returns:
        Scalars ``focal``, ``dice`` and ``iou``, 20 : 1 : 1 of which are the paper's total, and
        ``reached``, the mean IoU of the best masks.
    """
    predicted_iou, weights, features = run(batch.images, embed_points(sam, batch.points))
    wholes, pieces = batch.wholes.flatten(0, 1), batch.pieces.flatten(0, 1)
    meant = torch.where(torch.rand(len(wholes), 1, 1, generator=generator) < 0.5, wholes, pieces)
    with torch.no_grad():
        coarse = _draw(weights, features[..., ::2, ::2])
        focal, dice = _mask_losses(coarse, meant[:, None, ::2, ::2].expand_as(coarse))
        best = (20 * focal + dice).argmin(dim=1)
        targets = (wholes[:, ::2, ::2], pieces[:, ::2, ::2])
        reached = torch.maximum(*(_overlap(coarse, target) for target in targets))
    every = torch.arange(len(best))
    focal, dice = _mask_losses(_draw(weights[every, best, None], features)[:, 0], meant)
    return {
        "focal": focal.mean(),
        "dice": dice.mean(),
        "iou": F.mse_loss(predicted_iou.float(), reached),
        "reached": reached[every, best].mean(),
    }


def _draw(weights: Tensor, features: Tensor) -> Tensor:
    return (weights @ features.flatten(2)).unflatten(2, features.shape[2:]).float()


def _mask_losses(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Focal and dice loss of each mask; targets in [0, 1] are shares of a logit's pixels."""
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    focal = ((probability - targets).square() * entropy).mean(dim=(-2, -1))
    overlap = (probability * targets).sum(dim=(-2, -1))
    sizes = probability.sum(dim=(-2, -1)) + targets.sum(dim=(-2, -1))
    return focal, 1 - (2 * overlap + 1) / (sizes + 1)


def _overlap(logits: Tensor, targets: Tensor) -> Tensor:
    """IoU ``(B, 3)`` of masks ``(B, 3, h, w)`` with one target each, ``(B, h, w)``."""
    drawn, wanted = logits > 0, (targets > 0.5).unsqueeze(1)
    union = (drawn | wanted).sum(dim=(-2, -1)).clamp(min=1)
    return (drawn & wanted).sum(dim=(-2, -1)) / union
