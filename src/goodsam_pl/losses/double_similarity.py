"""Double similarity distillation (DSD): which pixels and which classes belong together.

Feng et al., "Double Similarity Distillation for Semantic Image Segmentation" (IEEE TIP 2021, arXiv
2107.08591): PSD compares how attention moves between layers, CSD how classes resemble one another;
neither needs layers of the same width. The paper's weights and temperature are not public. The
variant ``cirkd`` is what the re-implementation in the CIRKD code base computes instead, to
compare with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Pairs", "Variant", "attention_maps", "category_similarity", "pixel_similarity"]

Pairs = Literal["adjacent", "all"]
"""Which layers (n, m), n < m, are compared: neighbours, or each with each."""

Variant = Literal["dsd", "cirkd"]

_EPSILON = 1e-12
"""Least norm, in the unit of what is normalised."""


def pixel_similarity(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    pairs: Pairs = "adjacent",
    renormalise: bool = True,
    variant: Variant = "dsd",
) -> Tensor:
    r"""L_PSD: the residual attention between layers.

    .. math:: a_l = N\big(\operatorname{vec} \textstyle\sum_c f_{l,c}^2\big), \quad
        r_{n,m} = N(a_m - a_n), \quad
        L_{PSD} = \frac{1}{P} \sum_{(n, m)} \| r^S_{n,m} - r^T_{n,m} \|_2^2

    with N the division by the L2 norm over pixels, on the grid of the student's second layer
    (stride 8 for a SegFormer's stages), or of the first where there are two. ``cirkd`` takes the
    mean over pixels in the place of the sum, so that its weight has to grow with their number.

    Args:
        student: features of at least two layers, ``(B, C_l, h_l, w_l)``; of any widths and sizes.
        teacher: of as many layers. No gradient runs through.
        pairs: ``adjacent`` is the paper's, ``all`` CIRKD's.
        renormalise: N around the residual, as CIRKD does; without it r is the plain difference.
        variant: how pixels are summed up.

    Returns:
        Scalar ≥ 0, the mean over the batch; of ``dsd`` at most 4 with ``renormalise``.
    """
    size = (student[0].shape[-2], student[0].shape[-1])
    if len(student) > 2:
        size = (student[1].shape[-2], student[1].shape[-1])
    own = attention_maps(student, size)
    other = attention_maps([layer.detach() for layer in teacher], size)
    chosen = (pairwise if pairs == "adjacent" else _each_with_each)(range(len(student)))
    distances = []
    for first, second in chosen:
        residuals = [maps[second] - maps[first] for maps in (own, other)]
        if renormalise:
            residuals = [_normalise(residual) for residual in residuals]
        squares = (residuals[0] - residuals[1]).square()
        distances.append(squares.sum(dim=1).mean() if variant == "dsd" else squares.mean())
    return torch.stack(distances).mean()


def attention_maps(layers: Sequence[Tensor], size: tuple[int, int]) -> list[Tensor]:
    """a_l of every layer on a common grid.

    The energy Σ_c f² is brought to that size before N, so that its scale does not matter.

    Args:
        layers: ``(B, C_l, h_l, w_l)``.
        size: ``(h, w)`` of the grid.

    Returns:
        ``(B, h · w)`` each, of norm 1.
    """
    energies = [layer.float().square().sum(dim=1, keepdim=True) for layer in layers]
    return [
        _normalise(
            energy.flatten(1)
            if energy.shape[-2:] == size
            else F.interpolate(energy, size=size, mode="bilinear").flatten(1)
        )
        for energy in energies
    ]


def category_similarity(
    student: Tensor, teacher: Tensor, temperature: float = 4.0, variant: Variant = "dsd"
) -> Tensor:
    r"""L_CSD: how alike the maps of two classes are.

    .. math:: q = \operatorname{softmax}_k(z / \tau), \quad u_k = N(\operatorname{vec} q_k),
        \quad M = U U^T, \quad L_{CSD} = \frac{1}{K^2} \| M^S - M^T \|_F^2

    ``cirkd`` averages 2 × 2 logits, takes the softmax over pixels, not classes, and no N; entries
    of its M are about one over the number of pixels, and the loss all but vanishes.

    Args:
        student: logits z, ``(B, K, h, w)``.
        teacher: the same. No gradient runs through.
        temperature: τ.
        variant: see above.

    Returns:
        Scalar ≥ 0, the mean over the batch; of ``dsd`` at most 1.
    """
    correlate = _class_cosines if variant == "dsd" else _class_products
    own = correlate(student.float(), temperature)
    other = correlate(teacher.detach().float(), temperature)
    return (own - other).square().mean()


def _class_cosines(logits: Tensor, temperature: float) -> Tensor:
    maps = _normalise((logits / temperature).softmax(dim=1).flatten(2))
    return maps @ maps.transpose(1, 2)


def _class_products(logits: Tensor, temperature: float) -> Tensor:
    maps = (F.avg_pool2d(logits, 2).flatten(2) / temperature).softmax(dim=2)
    return maps @ maps.transpose(1, 2)


def _normalise(vectors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1, eps=_EPSILON)


def _each_with_each(layers: range) -> combinations[tuple[int, int]]:
    return combinations(layers, 2)
