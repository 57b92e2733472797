"""What a picture says of its classes beyond how frequent they are.

A network that is unsure says what is frequent. Its probabilities, divided by a power of the
frequencies, are those of a network that has seen all classes more alike (logit adjustment: Menon
et al., "Long-tail learning via logit adjustment", ICLR 2021). There frequencies are of training
labels; here they are of what the teacher assistant sees in this one picture, so that nothing is
kept between pictures. (That, and the power, are our choice.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.fusion.votes import UNIT, fixed_point

__all__ = ["log_prior", "without_prior"]

_RAREST = 1e-4
"""A share of pixels, below which all classes are alike rare, so that none is lifted without end."""


@torch.no_grad()
def log_prior(probabilities: Tensor, power: float) -> Tensor:
    r"""α log π, with π_k the mean of S_k over the picture, at least 0.0001.

    Counted in whole units, so that a panorama that is turned has the same to the bit.

    Args:
        probabilities: S, float ``(..., K, h, w)``.
        power: α in [0, 1].

    Returns:
        float64 ``(..., K)``, at most 0.
    """
    pixels = probabilities.shape[-2] * probabilities.shape[-1]
    units = fixed_point(probabilities).flatten(-2).sum(dim=-1, dtype=torch.int64)
    shares = units.double() / (UNIT * pixels)
    return power * shares.clamp(min=_RAREST).log()


@torch.no_grad()
def without_prior(probabilities: Tensor, prior: Tensor) -> Tensor:
    r"""Divide S by exp of its prior.

    .. math:: \tilde S_k(p) = \frac{S_k(p) \, \pi_k^{-\alpha}}
        {\sum_j S_j(p) \, \pi_j^{-\alpha}}

    Args:
        probabilities: S, float ``(..., K, h, w)``.
        prior: α log π, ``(..., K)``, as of :func:`log_prior`.

    Returns:
        Of the shape and dtype of S.
    """
    lifted = probabilities * (-prior).exp().to(probabilities.dtype)[..., None, None]
    return lifted / lifted.sum(dim=-3, keepdim=True)
