"""SAM and the teacher assistant look at a panorama together: what every training begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, TeacherTargets, pack_probabilities, unpack_probabilities
from goodsam_pl.fusion import (
    CTCF,
    BoundaryVersion,
    Fused,
    Fusion,
    boundary_region,
    fuse,
    refined_boundary,
)
from goodsam_pl.geometry import (
    Windowed,
    Windows,
    by_family,
    extract_families,
    map_families,
    stitch_families,
)
from goodsam_pl.modules.not_finite import refuse_not_finite
from goodsam_pl.networks import evaluating, identity_of, keeping_statistics

__all__ = ["Look", "Sight", "TargetKind", "Teachers"]

TargetKind = Literal["hard", "soft", "mixed"]
"""What cross-entropies are taken with: labels; probabilities; or probabilities of S_TA^w, which say
how alike classes are, beside labels of E_i, which keep SAM's edges sharp."""

_RULES = "2"
"""Version of the rules by which targets are made; stored targets of another one are not used."""


class Sight(NamedTuple):
    """What the teacher assistant sees in a batch, before SAM is heard.

    Attributes:
        log_probabilities: log S_i, ``(B, N, K, h, w)`` of each family, with gradient where there is
            one.
        stitched: S_TA^w, probabilities ``(B, K, H, W)``, likewise.
        seen: S_i as a fusion gets them, probabilities without gradient: the same, or the mean with
            the further views of a mirror image and of other scales.
        target: S_TA^w, likewise.
    """

    log_probabilities: Windowed
    stitched: Tensor
    seen: Windowed
    target: Tensor


class Look(NamedTuple):
    """What the teachers see in a batch; tuples hold one entry for each family of windows.

    Attributes:
        windows: W_i.
        log_probabilities: log S_i, ``(B, N, K, h, w)``, with gradient where there is one.
        stitched: S_TA^w, probabilities ``(B, K, H, W)``, likewise.
        target: S_TA^w as the student's target, without gradient: the same, or the mean with the
            further views of a mirror image and of other scales.
        fused: E_i and M_i, without gradient.
        boundary: B_ref, bool ``(B, H, W)``.
    """

    windows: Windows
    log_probabilities: Windowed
    stitched: Tensor
    target: Tensor
    fused: tuple[Fused, ...]
    boundary: Tensor

    @property
    def ensemble(self) -> Tensor:
        """E stitched to whole panoramas, probabilities ``(B, K, H, W)``."""
        return stitch_families(tuple(part.ensemble for part in self.fused), self.windows)

    @property
    def trusted(self) -> Tensor:
        """The share of pixels with M_i = 1."""
        return torch.stack([part.weight.mean() for part in self.fused]).mean()


@dataclass(frozen=True)
class Teachers:
    """SAM's masks and the teacher assistant: how they look, and which targets they make.

    Attributes:
        fusion: joins S_i and the masks to E_i and M_i.
        window_scale: enlarge windows by this factor for the teacher assistant (our choice; as many
            pixels per degree as in its training images is a good start).
        further_scales: let it look at windows of these scales as well, and make targets of the
            mean (our choice: what is near and what is far have each a scale that suits them).
        mirror: let it look at the mirror image as well, and make targets of the mean (our choice:
            mistakes that depend on the side cancel out).
        targets: cross-entropies with labels (hard) or with probabilities (soft) of the teachers;
            mixed takes probabilities of S_TA^w and labels of E_i.
        boundary: v1, or v2 for crossed windows, see :func:`goodsam_pl.fusion.refined_boundary`.
        boundary_radius: how far a class edge may lie from SAM's, pixels.
        labels_in_eval_mode: make targets of what the teacher assistant says in evaluation mode, at
            the cost of a further look a step where it trains; else of what it says in training,
            with drop path and the statistics of the batch. A frozen one is always in that mode.
    """

    fusion: Fusion = field(default_factory=CTCF)
    window_scale: float = 1.0
    further_scales: tuple[float, ...] = ()
    mirror: bool = False
    targets: TargetKind = "hard"
    boundary: BoundaryVersion = "v1"
    boundary_radius: int = 3
    labels_in_eval_mode: bool = False

    def predict(
        self,
        network: Callable[[Tensor], Tensor],
        batch: PanoramaBatch,
        scale: float | None = None,
    ) -> Windowed:
        """Log S_i of every window, ``(B, N, K, h, w)`` of each family, at one scale."""
        return _log_softmax(self.logits(network, batch, scale))

    def logits(
        self,
        network: Callable[[Tensor], Tensor],
        batch: PanoramaBatch,
        scale: float | None = None,
    ) -> Windowed:
        """What the teacher assistant says of every window, raw, as :meth:`predict` takes it."""
        return map_families(network, batch.image, batch.windows, scale or self.window_scale)

    def look(self, network: Callable[[Tensor], Tensor], batch: PanoramaBatch) -> Look:
        """Ask the teacher assistant about every window, and fuse with SAM's masks.

        Raises:
            NotFiniteError: it gives logits that are NaN or infinite.
            ValueError: the batch comes without masks, or without words where the fusion hears them.
        """
        windows, masks = batch.windows, _masks_of(batch)
        sight = self.see(network, batch)
        labels = by_family(lambda part: part.argmax(dim=2), sight.seen)
        return Look(
            windows=windows,
            log_probabilities=sight.log_probabilities,
            stitched=sight.stitched,
            target=sight.target,
            fused=self._fuse(batch, sight.seen, sight.target, masks),  # E_i, M_i
            boundary=refined_boundary(masks, labels, windows, self.boundary_radius, self.boundary),
        )

    def see(
        self,
        network: Callable[[Tensor], Tensor],
        batch: PanoramaBatch,
        logits: Windowed | None = None,
    ) -> Sight:
        """Ask the teacher assistant about every window, once for each view.

        Args:
            network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
            batch: with masks or without.
            logits: what it said of the windows, where it was asked already: :meth:`logits`.

        Raises:
            NotFiniteError: it gives logits that are NaN or infinite.
        """
        predicted = _log_softmax(logits or self.logits(network, batch))  # log S_i
        probabilities = by_family(torch.exp, predicted)  # S_i
        stitched = stitch_families(probabilities, batch.windows)  # S_TA^w
        target, seen = self._mean_of_views(network, batch, stitched, probabilities)
        finite = target.sum()
        refuse_not_finite(finite, {"the teacher's probabilities": finite}, batch.names)
        return Sight(predicted, stitched, seen, target)

    def _fuse(
        self, batch: PanoramaBatch, seen: Windowed, target: Tensor, masks: Windowed
    ) -> tuple[Fused, ...]:
        return fuse(
            self.fusion,
            seen,
            target,
            masks,
            batch.windows,
            whole_masks=batch.whole_masks,
            words=batch.words,
        )

    @torch.no_grad()
    def _mean_of_views(
        self,
        network: Callable[[Tensor], Tensor],
        batch: PanoramaBatch,
        stitched: Tensor,
        probabilities: Windowed,
    ) -> tuple[Tensor, Windowed]:
        """The mean of S_TA^w and of S_i over all views; nothing is learned from a further look."""
        target, seen = stitched.detach(), by_family(Tensor.detach, probabilities)
        asked_again = self.labels_in_eval_mode and _is_training(network)
        mode = evaluating if self.labels_in_eval_mode else keeping_statistics
        # after the look with gradient: autocast keeps the casts of weights that it made first
        with mode(network):
            if asked_again:
                seen = by_family(torch.exp, self.predict(network, batch))
                target = stitch_families(seen, batch.windows)
            further = list(self._further_views(network, batch))
        if not further:
            return target, seen
        share = 1 / (1 + len(further))
        mean = torch.stack(further).mean(dim=0)
        others = extract_families(mean, batch.windows)
        blended = by_family(lambda other, part: torch.lerp(other, part, share), others, seen)
        return torch.lerp(mean, target, share), blended

    def _further_views(
        self, network: Callable[[Tensor], Tensor], batch: PanoramaBatch
    ) -> Iterator[Tensor]:
        """S_TA^w of the other views, mirrored back: probabilities ``(B, K, H, W)`` each."""
        for scale in dict.fromkeys((self.window_scale, *self.further_scales)):
            if scale != self.window_scale:
                yield self._stitched(network, batch, scale)
            if self.mirror:
                mirrored = replace(batch, image=batch.image.flip(-1))
                yield self._stitched(network, mirrored, scale).flip(-1)

    def predict_whole(
        self, network: Callable[[Tensor], Tensor], batch: PanoramaBatch
    ) -> tuple[Tensor, Tensor | None]:
        """S_TA^w, and E stitched alike where the batch has masks: ``(B, K, H, W)``."""
        if batch.masks is not None:
            look = self.look(network, batch)
            return look.stitched, look.ensemble
        return self._stitched(network, batch, self.window_scale), None

    def targets_of(self, look: Look) -> TeacherTargets:
        """What a student learns from a look, packed as it is stored."""
        hard, soft, target = self.targets == "hard", self.targets == "soft", look.target
        return TeacherTargets(
            whole=target.argmax(1).to(torch.uint8) if hard else pack_probabilities(target),
            ensemble=tuple(
                pack_probabilities(each.ensemble) if soft else each.label for each in look.fused
            ),
            weight=tuple(each.weight.to(torch.uint8) for each in look.fused),
            boundary=look.boundary,
        )

    def unpack(self, targets: TeacherTargets) -> TeacherTargets:
        """Targets as cross-entropies take them: labels, or probabilities at full size."""
        if self.targets != "hard":
            targets = targets._replace(whole=unpack_probabilities(targets.whole))
        if self.targets == "soft":
            targets = targets._replace(ensemble=by_family(unpack_probabilities, targets.ensemble))
        return targets

    def region(self, windows: Windows) -> Tensor:
        """The overlaps that boundary terms are taken on, bool ``(H, W)``."""
        return boundary_region(windows, self.boundary)

    def describe(self) -> dict[str, str]:
        """All that decides about the targets of a frozen network, besides itself and the batch.

        Raises:
            ValueError: the fusion has no identity, see :func:`goodsam_pl.networks.identity_of`.
        """
        try:
            fusion = identity_of(self.fusion)
        except ValueError as error:
            raise ValueError(
                f"what {type(self.fusion).__name__} fused cannot be found again: {error}; or "
                "remove the callback PrecomputeTeacher"
            ) from error
        described = {each.name: repr(getattr(self, each.name)) for each in fields(self)}
        del described["labels_in_eval_mode"]  # which a frozen network always is in
        return {**described, "fusion": fusion, "rules": _RULES}

    def _stitched(
        self, network: Callable[[Tensor], Tensor], batch: PanoramaBatch, scale: float
    ) -> Tensor:
        predicted = by_family(torch.exp, self.predict(network, batch, scale))
        return stitch_families(predicted, batch.windows)


def _log_softmax(logits: Windowed) -> Windowed:
    return by_family(lambda family: F.log_softmax(family, dim=2), logits)


def _masks_of(batch: PanoramaBatch) -> Windowed:
    """SAM's masks of a batch, int ``(B, N, L, h, w)`` of each family.

    Raises:
        ValueError: the batch comes without.
    """
    if batch.masks is None:
        raise ValueError(
            "this training needs SAM's masks and the batch has none: set data.init_args.mask_root "
            "and put goodsam_pl.callbacks.PrecomputeSAM among trainer.callbacks"
        )
    return batch.masks


def _is_training(network: object) -> bool:
    return isinstance(network, nn.Module) and any(part.training for part in network.modules())
