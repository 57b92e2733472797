"""Cross-task complementary fusion in its first, dense form: E_i is written out at once.

The rule is that of :mod:`goodsam_pl.fusion.ctcf` with ``votes="softmax"``; the votes are summed in
floating point.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["DenseWindows", "MaskVotes", "cross_task_complementary_fusion", "vote"]


class DenseWindows(NamedTuple):
    """What the fusion hands on.

    Attributes:
        ensemble: E_i, probabilities ``(..., K, h, w)``.
        weight: M_i, float ``(..., h, w)``: 1 where E_i is trusted (E_H^i = E_i ⊗ M_i), else 0.
    """

    ensemble: Tensor
    weight: Tensor


class MaskVotes(NamedTuple):
    """The election inside every mask.

    Attributes:
        label: the winner of each mask, int64 ``(n, M)``.
        shares: of each mask's pixels, how many the teacher assistant gives each label, float
            ``(n, M, K)`` in [0, 1]; 0 for ids that no pixel carries.
    """

    label: Tensor
    shares: Tensor

    @property
    def share(self) -> Tensor:
        """Y_max, the share of the winner, float ``(n, M)``."""
        return self.shares.gather(-1, self.label[..., None]).squeeze(-1)


def cross_task_complementary_fusion(
    probabilities: Tensor,
    masks: Tensor,
    threshold: float = 0.5,
    confidence: float = 0.9,
    distinct_share: float = 0.0,
    instance_weight: float = 1.0,
) -> DenseWindows:
    """Fuse the teacher assistant's windows S_i with SAM's masks.

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float; the leading dimensions run over
            windows, e.g. ``(B, N)``.
        masks: index maps of disjoint masks in L layers, int ``(..., L, h, w)``; ids count from 0
            for the largest mask of a window to the smallest, −1 is no mask.
        threshold: θ, the least share Y_max of a mask that is trusted.
        confidence: the least softmax maximum of a trusted pixel outside every mask.
        distinct_share: a pixel whose own label has a smaller share of its mask is something else,
            which the mask does not tell apart: it is treated as one outside every mask. 0, as in
            the figure, fills the whole mask.
        instance_weight: how far the winner replaces S_i inside accepted masks: 1, as in the
            figure, makes E_i one-hot there, below 1 it is mixed with S_i.

    Returns:
        E_i and M_i. No gradient runs through either.

    Raises:
        ValueError: the shapes do not belong together.
    """
    _check_shapes(probabilities, masks)
    windows = probabilities.shape[:-3]
    probabilities = probabilities.detach().flatten(0, -4)
    masks = masks.flatten(0, -4)
    classes = probabilities.shape[1]
    votes = vote(probabilities, masks)

    smallest = masks.amax(dim=1).long()  # ids grow as masks shrink, so the largest id is on top
    at = smallest.clamp(min=0).flatten(1)
    label = votes.label.gather(1, at).view_as(smallest)
    share = votes.share.gather(1, at).view_as(smallest)
    own = probabilities.argmax(dim=1).flatten(1)
    window = torch.arange(len(at), device=at.device)[:, None]
    own_share = votes.shares[window, at, own].view_as(smallest)
    in_mask = (smallest >= 0) & (own_share >= distinct_share)
    accepted = in_mask & (share >= threshold)

    winner = F.one_hot(label, classes).permute(0, 3, 1, 2).to(probabilities)
    instance = torch.lerp(probabilities, winner, instance_weight)
    ensemble = torch.where(accepted[:, None], instance, probabilities)
    confident = ~in_mask & (probabilities.amax(dim=1) >= confidence)
    weight = (accepted | confident).to(probabilities)
    return DenseWindows(ensemble.unflatten(0, windows), weight.unflatten(0, windows))


def vote(probabilities: Tensor, masks: Tensor) -> MaskVotes:
    """Elect the label of every mask.

    Args:
        probabilities: ``(n, K, h, w)``.
        masks: int ``(n, L, h, w)``, as :func:`cross_task_complementary_fusion` takes them.

    Returns:
        Winner by softmax mass and the shares of counted labels, for each window and mask id.
    """
    count, classes = probabilities.shape[:2]
    most = max(int(masks.max()) + 1, 1)
    # Every pixel of a mask casts its vote into the bin of its mask.
    bins = masks.long() + torch.arange(count, device=masks.device).view(-1, 1, 1, 1) * most
    total = count * most

    pixels = probabilities.permute(0, 2, 3, 1).reshape(-1, classes)
    mass = pixels.new_zeros((total, classes))
    counted = torch.zeros(total * classes, dtype=torch.int64, device=masks.device)
    hard = pixels.argmax(dim=1)
    for layer, bin_of in zip(masks.unbind(dim=1), bins.unbind(dim=1), strict=True):
        inside = (layer.flatten() >= 0).nonzero()[:, 0]
        own = bin_of.flatten()[inside]
        mass.index_add_(0, own, pixels[inside])
        counted += torch.bincount(own * classes + hard[inside], minlength=total * classes)
    label = mass.view(count, most, classes).argmax(dim=-1)
    counted = counted.view(count, most, classes)
    return MaskVotes(label, counted / counted.sum(dim=-1, keepdim=True).clamp(min=1))


def _check_shapes(probabilities: Tensor, masks: Tensor) -> None:
    windows, size = probabilities.shape[:-3], probabilities.shape[-2:]
    if not windows or masks.shape[:-3] != windows or masks.shape[-2:] != size:
        raise ValueError(
            f"masks {tuple(masks.shape)} do not belong to probabilities "
            f"{tuple(probabilities.shape)}: expected (..., L, h, w) beside (..., K, h, w)"
        )
