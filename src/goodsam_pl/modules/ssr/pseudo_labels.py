"""What the teacher says of target images, and how far it is trusted."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["pseudo_labels"]


def pseudo_labels(
    logits: Tensor, threshold: float, ignored_rows: tuple[int, int] = (0, 0)
) -> tuple[Tensor, Tensor]:
    r"""Label each pixel, and trust all by the share of those that are sure.

    .. math:: \hat y(p) = \arg\max_c P(p, c), \quad
        q = \operatorname{mean}_{b,p} \, [\max_c P_b(p, c) \ge \tau]

    The share is that of the whole batch, as released. Rows at the rims of a camera's images weigh
    nothing: Cityscapes has a rim of its rectification above and a bonnet below.

    Args:
        logits: the teacher's, ``(B, K, H, W)``.
        threshold: τ, a probability.
        ignored_rows: how many rows above and below weigh 0; they count in q, as released.

    Returns:
        Labels int64 ``(B, H, W)``, and weights of the logits' dtype ``(B, H, W)`` in [0, 1].

    Raises:
        ValueError: all rows are to be ignored.
    """
    above, below = ignored_rows
    if above + below >= logits.shape[-2]:
        raise ValueError(
            f"model.ignored_rows [{above}, {below}] leave nothing of crops with {logits.shape[-2]} "
            "rows: choose fewer, or larger crops"
        )
    confidence, labels = logits.softmax(dim=1).max(dim=1)
    weights = torch.ones_like(confidence) * (confidence >= threshold).to(confidence.dtype).mean()
    weights[:, :above] = 0
    weights[:, weights.shape[1] - below :] = 0
    return labels, weights
