"""Rare-class sampling: images with rare classes are drawn more often (DAFormer)."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["rare_class_probabilities"]


def rare_class_probabilities(pixels: Tensor, temperature: float) -> Tensor:
    r"""How often each class is asked for.

    .. math:: P(c) \propto \exp\big((1 - f_c) / T\big), \quad f_c = n_c / \sum_k n_k

    Args:
        pixels: n_c, how many pixels of the data set have each class, ``(K,)``.
        temperature: T; the lower, the more often the rarest are asked for. DAFormer has 0.01.

    Returns:
        float64 ``(K,)``, of sum 1; 0 for classes without a pixel (our choice).

    Raises:
        ValueError: no class has a pixel.
    """
    counts = pixels.to(torch.float64)
    if not bool((counts > 0).any()):
        raise ValueError("no pixel of the source is labelled: check its label files")
    rarity = (1 - counts / counts.sum()) / temperature
    return rarity.masked_fill(counts == 0, -torch.inf).softmax(dim=0)
