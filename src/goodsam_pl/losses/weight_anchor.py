"""Elastic weight consolidation (Kirkpatrick et al., "Overcoming catastrophic forgetting", 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

__all__ = ["anchor_penalty", "fisher_diagonal"]


def fisher_diagonal(
    losses: Iterable[Tensor], parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    r"""How much each weight matters for what was learned.

    .. math:: F_j = \frac{1}{n} \sum_{b=1}^{n} \left(\frac{\partial L_b}{\partial \theta_j}\right)^2

    L_b is the mean loss of a batch, as CoSAM's release has it: a square of a mean gradient, where
    the diagonal of the empirical Fisher matrix has the mean of the squares of single images.

    Args:
        losses: L_b, scalars, each with a graph that reaches the parameters; consumed one by one.
        parameters: θ by name; those that a loss does not reach count 0.

    Returns:
        F by the same names, without gradients.

    Raises:
        ValueError: there is no loss.
    """
    sums = {name: torch.zeros_like(value) for name, value in parameters.items()}
    count = 0
    for loss in losses:
        gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for name, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                sums[name] += gradient.square()
        count += 1
    if not count:
        raise ValueError("no loss to tell which weights matter: give at least one batch")
    return {name: total / count for name, total in sums.items()}


def anchor_penalty(
    parameters: Mapping[str, Tensor],
    anchors: Mapping[str, Tensor],
    importance: Mapping[str, Tensor],
) -> Tensor:
    r"""Hold weights where they were, the more the more they matter.

    .. math:: L_{EWC} = \sum_j F_j (\theta_j - \theta^*_j)^2

    The paper's factor 1/2 is in the weight of the term.

    Args:
        parameters: θ by name.
        anchors: θ* by the same names.
        importance: F by the same names.

    Returns:
        A scalar ≥ 0.
    """
    terms = [
        (importance[name] * (value - anchors[name]).square()).sum()
        for name, value in parameters.items()
    ]
    return torch.stack(terms).sum()
