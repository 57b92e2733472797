"""ClassMix: half of the classes of a labelled image are pasted onto an unlabelled one."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["class_mix", "draw_class_masks"]


def draw_class_masks(labels: Tensor, ignore_index: int, generator: torch.Generator) -> Tensor:
    """Choose half of the classes, rounded up, anew for each image.

    Chosen are classes that any image of the batch has, as SSR's release does. That ignored pixels
    are never pasted is our choice.

    Args:
        labels: of the source, int64 ``(B, H, W)``.
        ignore_index: the label that is no class.
        generator: on the CPU.

    Returns:
        Where the source is pasted, bool ``(B, H, W)``.
    """
    present = labels[labels != ignore_index].unique()
    half = (len(present) + 1) // 2
    masks = []
    for label in labels:
        chosen = torch.randperm(len(present), generator=generator)[:half]
        masks.append(torch.isin(label, present[chosen.to(present.device)]))
    return torch.stack(masks)


def class_mix(mask: Tensor, source: Tensor, target: Tensor) -> Tensor:
    r"""Paste the source onto the target; images, labels and weights alike.

    .. math:: x_m = M \odot x_s + (1 - M) \odot x_t

    Args:
        mask: M, bool ``(B, H, W)``.
        source: x_s, ``(B, H, W)`` or ``(B, C, H, W)``.
        target: x_t, of the same shape and dtype.

    Returns:
        x_m, of the same shape and dtype.
    """
    return torch.where(mask.unsqueeze(1) if source.ndim == 4 else mask, source, target)
