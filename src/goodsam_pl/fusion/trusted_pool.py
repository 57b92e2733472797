"""A fusion that knows how far to trust a mask: an opinion pool of S and of all masks at a pixel.

A mask that is right is worth more than any pixel of S inside it, and one that is wrong is worth
less; a fusion that follows all masks alike is fitted to how good they are on average. Here each
mask has odds of being right that follow from what can be seen without labels, and its vote counts
by them. (Our choice throughout; the constants are chosen on StreetWorld's val split for masks of
all degrees of quality at once.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.fusion.fused import Fused
from goodsam_pl.fusion.observables import border_contrast, border_pixels, crossing
from goodsam_pl.fusion.panorama_fusion import PanoramaFusion
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import cast

__all__ = ["Pooled", "TrustedPool"]


@dataclass(frozen=True, eq=False)
class Pooled:
    """E, its labels, and M.

    Attributes:
        ensemble: E, ``(..., K, h, w)``.
        label: argmax E, uint8 ``(..., h, w)``.
        weight: M, of the dtype of S, ``(..., h, w)``.
    """

    ensemble: Tensor
    label: Tensor
    weight: Tensor


@dataclass(frozen=True)
class TrustedPool(PanoramaFusion):
    r"""Pool S and the votes q_m of all masks at a pixel, each with the odds that it is right.

    .. math:: \log E(p) = \frac{\log S(p) + \sum_{m \ni p} o_m(p) \log q_m}
        {1 + \sum_{m \ni p} o_m(p)} + \mathrm{const}, \quad
        q_m = (1 - \epsilon) \operatorname{mean}_{p \in m} S(p) + \epsilon / K

    .. math:: \log o_m(p) = b + b_A \log_{10} \frac{|m|}{h^2} + b_C C(m) - b_X X(m)
        - b_N [p \text{ in a smaller mask}] - b_B [p \text{ at the border of } m]

    with C and X of :mod:`goodsam_pl.fusion.observables`. Without a mask E is S; a mask of great
    odds gives all of it one label. M = 1 where max E reaches ``confidence``.

    Attributes:
        odds: b, log odds of a mask of a picture's height squared whose border divides nothing.
        area: b_A, for each power of ten: the votes of many pixels are surer than those of few.
        contrast: b_C, for a border that divides labels all along, beside one that never does.
        crossing: b_X, for masks that contradict one another all over.
        nested: b_N, of a mask in which a smaller one lies: at its pixels that is asked first.
        border: b_B, where a mask's edge may lie beside the thing's.
        border_width: so far from a mask's edge, pixels.
        span: between the pixels that C compares, pixels: TA and masks differ by so much about
            where an edge is.
        floor: ε, so that no mask rules a class out.
        confidence: the least max E of a trusted pixel.
    """

    odds: float = 0.0
    area: float = 0.0
    contrast: float = 0.0
    crossing: float = 0.0
    nested: float = 0.0
    border: float = 0.0
    border_width: int = 2
    span: int = 4
    floor: float = 0.01
    confidence: float = 0.9

    def __post_init__(self) -> None:
        """Refuse constants that mean nothing.

        Raises:
            ValueError: a width below 0, a span below 1, or a floor outside of [0, 1].
        """
        if self.border_width < 0:
            raise ValueError(f"border_width is {self.border_width} pixels: choose 0 or more")
        if self.span < 1:
            raise ValueError(f"span is {self.span} pixels: choose 1 or more")
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor is {self.floor}: choose a share from 0 to 1")

    def __call__(self, probabilities: Tensor, masks: Tensor) -> Pooled:
        """Fuse windows that end at their sides, see :class:`goodsam_pl.fusion.Fusion`."""
        return self._pool(probabilities, masks, circular=False)

    def around(self, probabilities: Tensor, masks: Tensor) -> Pooled:
        """Fuse panoramas, see :class:`PanoramaFusion`."""
        return self._pool(probabilities, masks, circular=True)

    @torch.no_grad()
    def _pool(self, probabilities: Tensor, masks: Tensor, *, circular: bool) -> Pooled:
        parts = 2 * masks.int() + border_pixels(masks, self.border_width, circular=circular)
        runs = WindowRuns.of(probabilities, torch.where(masks >= 0, parts, -1))
        odds, opinions = self._of_masks(runs, masks, circular=circular)
        nested = torch.tensor(-self.nested).exp()
        total = odds.new_zeros(len(runs.lengths))
        pooled = odds.new_zeros(len(runs.lengths), runs.classes)
        for layer in runs.masks:
            own = odds[layer] * torch.where(layer == runs.topmost, 1.0, nested)
            total += own
            pooled.addcmul_(own[:, None], opinions[layer])
        ensemble = _pool_pixels(runs, total, pooled)
        confidence, label = ensemble.max(dim=-3)
        return Pooled(
            ensemble=ensemble.to(probabilities.dtype),
            label=label.to(torch.uint8),
            weight=(confidence >= self.confidence).to(probabilities.dtype),
        )

    def _of_masks(
        self, runs: WindowRuns, masks: Tensor, *, circular: bool
    ) -> tuple[Tensor, Tensor]:
        """Odds ``(1 + nP,)`` and log q ``(1 + nP, K)`` of inner and border parts; 0 of none."""
        pictures, classes = runs.window_count, runs.classes
        count = max(1, -(-runs.masks_per_window // 2))
        votes = cast(runs, "softmax")[1:]
        votes = F.pad(votes, (0, 0, 0, 2 * count * pictures - len(votes)))
        votes = votes.view(count, 2, pictures, classes).sum(dim=1)
        numbers = ((runs.masks - 1) // pictures // 2) * pictures + (runs.masks - 1) % pictures + 1
        numbers = numbers * (runs.masks > 0)
        area = numbers.new_zeros(1 + count * pictures, dtype=torch.int64)
        for layer in numbers:
            area.index_add_(0, layer, runs.lengths)
        area = area[1:].view(count, pictures)
        crossed = crossing(numbers, runs.lengths, 1 + count * pictures)[1:].view(count, pictures)
        (labels,) = runs.pixels(runs.labels)
        height = masks.shape[-2]
        contrast = border_contrast(
            labels.flatten(0, -3), masks.flatten(0, -4), count, self.span, circular=circular
        ).T
        log_odds = (
            self.odds
            + self.area * (area.clamp(min=1).double() / height**2).log10()
            + self.contrast * contrast
            - self.crossing * crossed
        )
        by_part = torch.stack([log_odds, log_odds - self.border], dim=1)
        odds = F.pad(by_part.exp().flatten(), (1, 0)).float()
        shares = votes.double() / votes.sum(dim=-1, keepdim=True).clamp(min=1)
        opinions = ((1 - self.floor) * shares + self.floor / classes).log()
        opinions = opinions[:, None].expand(-1, 2, -1, -1).flatten(0, 2)
        return odds, F.pad(opinions, (0, 0, 1, 0)).float()


def _pool_pixels(runs: WindowRuns, total: Tensor, pooled: Tensor) -> Tensor:
    """E from the sums of odds ``(R,)`` and of weighted opinions ``(R, K)`` of each run."""
    own = runs.probabilities
    (all_odds, *opinions) = runs.pixels(total, *pooled.T.contiguous())
    logits = own.float().clamp(min=torch.finfo(torch.float32).tiny).log()
    logits += torch.stack(opinions, dim=-3)
    logits /= (1 + all_odds).unsqueeze(-3)
    return torch.where((all_odds > 0).unsqueeze(-3), logits.softmax(dim=-3), own.float())
