"""Structural similarity loss (SSL): cross-entropy where the local structure of a class map is off.

Zhao et al., "Correlation Maximized Structural Similarity Loss for Semantic Segmentation" (arXiv
1910.08711). No code of the authors is public; the form is that of two re-implementations and a
survey. What they leave open is our choice, and marked.
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor

__all__ = ["structural_similarity"]

_C = 0.01
"""The papers' constant C of a normalised gap."""
_DEVIATION = 1.5
"""Of the Gaussian window of 3×3, pixels."""
_LEAST_VARIANCE = 1e-6
"""σ² of a flat map (our choice): above the rounding of float32, and its root is small beside C."""
_LEAST, _LARGEST = -100.0, -1e-6
"""Range of log P: torch's own least in a cross-entropy, and 13.8 nats for a wrong class that is
certain (our choice)."""


def structural_similarity(
    log_probabilities: Tensor,
    labels: Tensor,
    hardness: float = 0.1,
    constant_gap: bool = True,
) -> Tensor:
    r"""L_SSL of the class maps P(·, c) against y(·, c) = [label = c].

    .. math:: e = \Big| \frac{y - \mu_y + C}{\sigma_y + C} - \frac{P - \mu_P + C}{\sigma_P + C}
        \Big|, \quad f = [e > \beta \max e], \quad
        L_{SSL} = \frac{\sum f \, e \, \operatorname{BCE}(P, y)}{\sum f}

    with μ and σ the mean and standard deviation in a Gaussian window around the pixel; sums and
    the maximum run over all pixels and classes of the batch. The paper trains with
    γ CE + (1 − γ) L_SSL. Where both maps are flat, e is 0 however far they are apart: the term goes
    beside a cross-entropy, not in its place.

    A window takes in the pixels alone that have a label and lie in the image (our choice; a border
    of zeros would be a structure of its own).

    Args:
        log_probabilities: log P, ``(..., K, h, w)``; computed in float32 whatever they are.
        labels: integers ``(..., h, w)``; others than 0 to K − 1 are no class, and do not count.
        hardness: β, the part of the largest gap from which a position counts.
        constant_gap: e is a constant weight (our choice; the re-implementations let the gradient
            through it, which ``False`` does).

    Returns:
        Scalar ≥ 0, nats times e; 0, with a gradient of 0, where no position counts.
    """
    classes = log_probabilities.shape[-3]
    logs = log_probabilities.float().clamp(_LEAST, _LARGEST).flatten(0, -4)
    known = labels.long().reshape(-1, 1, *labels.shape[-2:])
    names = torch.arange(classes, device=labels.device)[:, None, None]
    own = known == names  # y
    counts = (known >= 0) & (known < classes)
    with torch.no_grad() if constant_gap else nullcontext():
        gap = (_structure(own.float(), counts) - _structure(logs.exp(), counts)).abs() * counts
    hard = gap > hardness * gap.detach().max()
    nats = -torch.where(own, logs, (-logs.expm1()).log())
    return (hard * gap * nats).sum() / hard.sum().clamp(min=1)


def _structure(maps: Tensor, counts: Tensor) -> Tensor:
    """(p − μ + C) / (σ + C) of maps ``(N, K, h, w)``; pixels count by bool ``(N, 1, h, w)``."""
    share = 1 / _around(counts.float()).clamp(min=torch.finfo(torch.float32).tiny)
    counted = maps if bool(counts.all()) else maps * counts
    mean = _around(counted) * share
    variance = torch.addcmul(_around(counted.square()) * share, mean, mean, value=-1)
    deviation = variance.clamp(min=_LEAST_VARIANCE).sqrt()
    return (maps - mean + _C) / (deviation + _C)


def _around(maps: Tensor) -> Tensor:
    """Sums in the Gaussian window, of weight 1; nothing lies beyond the border."""
    beside = math.exp(-1 / (2 * _DEVIATION**2))
    whole = 1 + 2 * beside
    for side in (-1, -2):
        size = maps.shape[side] - 1
        sums = maps / whole
        sums.narrow(side, 1, size).add_(maps.narrow(side, 0, size), alpha=beside / whole)
        sums.narrow(side, 0, size).add_(maps.narrow(side, 1, size), alpha=beside / whole)
        maps = sums
    return maps
