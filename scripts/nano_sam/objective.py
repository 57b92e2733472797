"""SAM's training loss ("Segment Anything", ICCV 2023, Sec. 3 and App. A)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.mask_decoder import decode_points
from goodsam_pl.sam.mask_logits import draw_blocks
from nano_sam.prompts import Batch

__all__ = ["Losses", "encoder_losses", "losses"]

Losses = dict[str, Tensor]


def encoder_losses(sam: Sam, batch: Batch) -> Losses:
    """Only what the embeddings shall tell: ``affinity``."""
    return {"affinity": _affinity(_embed(sam, batch), batch.shares)}


def losses(sam: Sam, batch: Batch, generator: torch.Generator, others: float) -> Losses:
    """Focal, dice and IoU losses of one batch, on half of the pixels.

    Each click means its whole instance or the connected part under it, drawn anew each time. The
    best of the three masks is corrected most, so that they learn to differ where a click is
    ambiguous; the others share ``others`` (C. Rupprecht et al., "Learning in an Uncertain World",
    ICCV 2017), because three masks that are corrected only where they are best become sky, road and
    the rest, wherever the click is. The predicted IoU of each mask aims at its IoU with the better
    of the two meanings.

    Args:
        sam: in training mode.
        batch: what to learn from.
        generator: draws the meanings and the image tokens whose pixels count.
        others: how much the masks that are not best count, together, 0 to 2/3.

    Returns:
        Scalars ``focal``, ``dice`` and ``iou``, 20 : 1 : 1 of which are the paper's total;
        ``affinity``, our addition; and ``reached``, the mean IoU of the best masks.
    """
    wholes, pieces = _blocks(batch.wholes), _blocks(batch.pieces)
    count = wholes.shape[1]
    shown = torch.randperm(count, generator=generator)[: count // 2].sort().values
    embeddings = _embed(sam, batch)
    predicted_iou, logits = _predict(sam, embeddings, batch.points, shown)
    affinity = _affinity(embeddings, batch.shares)
    wholes, pieces = wholes[:, shown].flatten(1), pieces[:, shown].flatten(1)
    meant = torch.where(torch.rand(len(wholes), 1, generator=generator) < 0.5, wholes, pieces)
    focal, dice = _mask_losses(logits, meant.unsqueeze(1).expand_as(logits))
    with torch.no_grad():
        best = F.one_hot((20 * focal + dice).argmin(dim=1), 3)
        weight = others / 2 + (1 - 1.5 * others) * best
        reached = torch.maximum(_overlap(logits, wholes), _overlap(logits, pieces))
    return {
        "focal": (weight * focal).sum(dim=1).mean(),
        "dice": (weight * dice).sum(dim=1).mean(),
        "iou": F.mse_loss(predicted_iou, reached),
        "affinity": affinity,
        "reached": (best * reached).sum(dim=1).mean(),
    }


def _embed(sam: Sam, batch: Batch) -> Tensor:
    embeddings: Tensor = sam.image_encoder((batch.images - sam.pixel_mean) / sam.pixel_std)
    return embeddings


def _predict(sam: Sam, embeddings: Tensor, points: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Predicted IoU ``(N·P, 3)`` and the logits ``(N·P, 3, n·16)`` of n image tokens."""
    decoded = decode_points(sam, embeddings, points)
    decoded = decoded._replace(image_tokens=decoded.image_tokens[:, shown])
    return decoded.predicted_iou.float(), draw_blocks(sam, decoded).flatten(2).float()


def _affinity(embeddings: Tensor, shares: Tensor) -> Tensor:
    """How badly the embeddings of two patches tell whether they show one instance.

    Their scalar product shall say so, for all pairs. Without this nothing is learnt for a long
    time: a decoder that cannot yet select gives the encoder no hint of what to tell apart.

    Args:
        embeddings: ``(N, C, h, w)`` float.
        shares: ``(N, K, h·w)``, how much of each patch each instance covers.
    """
    flat = embeddings.float().flatten(2)
    scale = flat.shape[1] ** 0.5
    # embeddings have a length of about scale / 2: equal ones give +scale / 2, others -scale / 2
    logits = 4 * flat.transpose(1, 2) @ flat / scale - scale / 2
    same = shares.transpose(1, 2) @ shares
    importance = (shares / shares.sum(dim=2, keepdim=True).clamp(min=1).sqrt()).sum(dim=1)
    entropy = F.binary_cross_entropy_with_logits(logits, same, reduction="none").mean(dim=2)
    _, dice = _mask_losses(logits, same)
    return ((entropy + dice) * importance).sum() / importance.sum()


def _blocks(masks: Tensor) -> Tensor:
    """``(N, P, 4h, 4w)`` to ``(N·P, h·w, 16)`` in the order of :func:`draw_blocks`."""
    count, height, width = masks.flatten(0, 1).shape
    parts = masks.reshape(count, height // 4, 2, 2, width // 4, 2, 2)
    return parts.permute(0, 1, 4, 2, 5, 3, 6).reshape(count, -1, 16)


def _mask_losses(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Focal and dice loss of each mask; targets in [0, 1] are shares of a logit's pixels."""
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    focal = ((probability - targets).square() * entropy).mean(dim=-1)
    overlap = (probability * targets).sum(dim=-1)
    sizes = probability.sum(dim=-1) + targets.sum(dim=-1)
    return focal, 1 - (2 * overlap + 1) / (sizes + 1)


def _overlap(logits: Tensor, targets: Tensor) -> Tensor:
    """IoU ``(B, 3)`` of masks ``(B, 3, n)`` with one target each, ``(B, n)``."""
    drawn, wanted = logits > 0, (targets > 0.5).unsqueeze(1)
    union = (drawn | wanted).sum(dim=-1).clamp(min=1)
    return (drawn & wanted).sum(dim=-1) / union
