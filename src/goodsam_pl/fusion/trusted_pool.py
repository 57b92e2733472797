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

from goodsam_pl.fusion.observables import (
    Observed,
    border_contrast,
    border_pixels,
    crossing,
    disagreement,
)
from goodsam_pl.fusion.panorama_fusion import PanoramaFusion
from goodsam_pl.fusion.prior import log_prior, without_prior
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import UNIT, cast, fixed_point, sum_by_mask

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
        {(1 + \sum_{m \ni p} o_m(p))^\kappa} + \mathrm{const}, \quad
        q_m = \frac{(1 - \epsilon) \operatorname{mean}_{p \in m} S(p) + \epsilon / K}{\pi^\alpha}

    .. math:: \log o_m(p) = b + b_A \log_{10} \frac{|m|}{h^2} + b_C C(m) - b_J J(m) - b_X X(m)
        + B_C \bar C - b_N [p \text{ in a smaller mask}] - b_B [p \text{ at the border of } m]

    with C, J and X of :mod:`goodsam_pl.fusion.observables`, and the mean of C over the masks of the
    picture by area: a set whose masks lie well is a good set. Without a mask E is S; a mask of
    great odds gives all of it one label.

    A teacher assistant that is unsure says what is frequent, and a mask of many unsure pixels says
    so with one voice. So S is what it says without a part of the frequencies π of classes, see
    :func:`goodsam_pl.fusion.prior.without_prior`, and votes are divided by that part once more.

    Attributes:
        odds: b, log odds of a mask as large as a picture's height squared that shows nothing else.
        area: b_A, for each power of ten: the votes of many pixels are surer than those of few.
        contrast: b_C, for a border that divides labels all along, beside one that never does.
        disagreement: b_J, for each nat by which S differs inside.
        crossing: b_X, for a mask that others contradict all over.
        set_contrast: B_C, likewise of the mean over all masks.
        nested: b_N, of a mask in which a smaller one lies: at its pixels that is asked first.
        border: b_B, where a mask's edge may lie beside the thing's.
        border_width: so far from a mask's edge, pixels.
        span: between the pixels that C compares, pixels: TA and masks differ by so much about
            where an edge is.
        floor: ε, so that no mask rules a class out.
        prior: α, how much of the classes' frequency in the picture is taken from S and from votes;
            0 leaves both as they are.
        dependence: κ: at 1 opinions repeat one another, and two that agree are as sure as one; at 0
            each is news, and they are surer. It changes no label, but how sure E is.
        confidence: the least max E of a trusted pixel, M = 1.
    """

    odds: float = 0.0
    area: float = 0.0
    contrast: float = 0.0
    disagreement: float = 0.0
    crossing: float = 0.0
    set_contrast: float = 0.0
    nested: float = 0.0
    border: float = 0.0
    border_width: int = 2
    span: int = 4
    floor: float = 0.01
    prior: float = 0.0
    dependence: float = 1.0
    confidence: float = 0.9

    def __post_init__(self) -> None:
        """Refuse constants that mean nothing.

        Raises:
            ValueError: a width below 0, a span below 1, or a floor or prior outside of [0, 1].
        """
        if self.border_width < 0:
            raise ValueError(f"border_width is {self.border_width} pixels: choose 0 or more")
        if self.span < 1:
            raise ValueError(f"span is {self.span} pixels: choose 1 or more")
        for name in ("floor", "prior"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: choose from 0 to 1")

    def __call__(self, probabilities: Tensor, masks: Tensor) -> Pooled:
        """Fuse windows that end at their sides, see :class:`goodsam_pl.fusion.Fusion`."""
        return self._pool(probabilities, masks, circular=False)

    def around(self, probabilities: Tensor, masks: Tensor) -> Pooled:
        """Fuse panoramas, see :class:`PanoramaFusion`."""
        return self._pool(probabilities, masks, circular=True)

    @torch.no_grad()
    def _pool(self, probabilities: Tensor, masks: Tensor, *, circular: bool) -> Pooled:
        prior = log_prior(probabilities, self.prior)
        probabilities = without_prior(probabilities, prior) if self.prior else probabilities
        parts = 2 * masks.int() + border_pixels(masks, self.border_width, circular=circular)
        runs = WindowRuns.of(probabilities, torch.where(masks >= 0, parts, -1))
        logs = probabilities.to(runs.confidence.dtype, copy=True)
        logs = logs.clamp_(min=torch.finfo(logs.dtype).tiny).log_()
        entropy = _entropy(runs.probabilities, logs)
        odds, opinions = self._of_masks(runs, entropy, prior, masks, circular)
        nested = torch.tensor(-self.nested).exp()
        total = odds.new_zeros(len(runs.lengths))
        pooled = odds.new_zeros(len(runs.lengths), runs.classes)
        for layer in runs.masks:
            own = odds[layer] * torch.where(layer == runs.topmost, 1.0, nested)
            total += own
            pooled.addcmul_(own[:, None], opinions[layer])
        ensemble = _pool_pixels(runs, logs, total, pooled, self.dependence)
        confidence, label = ensemble.max(dim=-3)
        return Pooled(
            ensemble=ensemble.to(probabilities.dtype),
            label=label.to(torch.uint8),
            weight=(confidence >= self.confidence).to(probabilities.dtype),
        )

    def _of_masks(
        self, runs: WindowRuns, entropy: Tensor, prior: Tensor, masks: Tensor, circular: bool
    ) -> tuple[Tensor, Tensor]:
        """Odds ``(1 + nP,)`` and log q ``(1 + nP, K)`` of inner and border parts; 0 of none."""
        pictures, classes = runs.window_count, runs.classes
        count = max(1, -(-runs.masks_per_window // 2))
        part = runs.masks - 1
        numbers = (runs.masks > 0) * (1 + part // pictures // 2 * pictures + part % pictures)
        areas, entropies = (
            sum_by_mask(numbers, each, 1 + count * pictures)[1:].view(count, pictures)
            for each in (runs.lengths, runs.sums(fixed_point(entropy.flatten())))
        )
        votes = F.pad(cast(runs, "softmax")[1:], (0, 0, 0, 2 * count * pictures))
        votes = votes[: 2 * count * pictures].view(count, 2, pictures, classes).sum(dim=1)
        shares = votes.double() / votes.sum(dim=-1, keepdim=True).clamp(min=1)
        seen = Observed(
            area=areas.double(),
            contrast=self._contrast(runs, masks, count, circular),
            disagreement=disagreement(shares, entropies / UNIT / areas.clamp(min=1)),
            crossing=crossing(numbers, runs.lengths, 1 + count * pictures)[1:].view_as(areas),
        )
        log_odds = self._log_odds(seen, masks.shape[-2])
        odds = torch.stack([log_odds, log_odds - self.border], dim=1).exp()
        opinions = ((1 - self.floor) * shares + self.floor / classes).log() - prior.flatten(0, -2)
        opinions = opinions[:, None].expand(-1, 2, -1, -1).flatten(0, 2)
        return F.pad(odds.flatten(), (1, 0)).float(), F.pad(opinions, (0, 0, 1, 0)).float()

    def _contrast(self, runs: WindowRuns, masks: Tensor, count: int, circular: bool) -> Tensor:
        (labels,) = runs.pixels(runs.labels)
        flat = labels.flatten(0, -3), masks.flatten(0, -4)
        return border_contrast(*flat, count, self.span, circular=circular).T

    def _log_odds(self, seen: Observed, height: int) -> Tensor:
        """Log o_m inside of a mask, float64 ``(M, n)``."""
        return (
            self.odds
            + self.area * (seen.area.clamp(min=1) / height**2).log10()
            + self.contrast * seen.contrast
            - self.disagreement * seen.disagreement
            - self.crossing * seen.crossing
            + self.set_contrast * seen.mean(seen.contrast)
        )


def _entropy(own: Tensor, logs: Tensor) -> Tensor:
    """-Σ_k S_k log S_k of every pixel, nats: ``(..., h, w)``, plane by plane to save memory."""
    entropy = torch.zeros_like(logs[..., 0, :, :])
    for share, log in zip(own.unbind(-3), logs.unbind(-3), strict=True):
        entropy.addcmul_(share.to(log), log, value=-1)
    return entropy.clamp_(min=0)


def _pool_pixels(
    runs: WindowRuns, logs: Tensor, total: Tensor, pooled: Tensor, kappa: float
) -> Tensor:
    """E, laid over log S, from sums of odds ``(R,)`` and of weighted opinions ``(R, K)`` by run."""
    (odds,) = runs.pixels(total)
    for log, opinion in zip(logs.unbind(-3), pooled.T.contiguous(), strict=True):
        log.add_(*runs.pixels(opinion))
    logs *= ((1 + odds) ** -kappa).unsqueeze(-3)
    logs -= logs.amax(dim=-3, keepdim=True)
    ensemble = logs.exp_()
    ensemble /= ensemble.sum(dim=-3, keepdim=True)
    in_masks = (odds > 0).unsqueeze(-3)
    if not in_masks.all():
        torch.where(in_masks, ensemble, runs.probabilities.to(ensemble), out=ensemble)
    return ensemble
