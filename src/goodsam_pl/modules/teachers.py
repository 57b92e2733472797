"""SAM and the teacher assistant look at a panorama together: what both trainings begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, TeacherTargets, pack_probabilities, unpack_probabilities
from goodsam_pl.fusion import (
    BoundaryVersion,
    FusedWindows,
    Fusion,
    boundary_region,
    refined_boundary,
)
from goodsam_pl.geometry import (
    Windowed,
    Windows,
    as_families,
    by_family,
    extract_families,
    map_families,
    stitch_families,
)
from goodsam_pl.losses import Distance, boundary_loss, consistency, ensemble_cross_entropy
from goodsam_pl.modules.not_finite import refuse_not_finite
from goodsam_pl.networks import evaluating, identity_of, keeping_statistics

__all__ = ["Look", "TargetKind", "Teachers", "labels_of", "masks_of", "rectification_terms"]

TargetKind = Literal["hard", "soft", "mixed"]
"""What cross-entropies are taken with: labels; probabilities; or probabilities of S_TA^w, which say
how alike classes are, beside labels of E_i, which keep SAM's edges sharp."""


_LABEL_AXES = 3

_RULES = "2"
"""Of what is told; another number where the same teachers would be told otherwise than before."""


class Look(NamedTuple):
    """What the teachers see in a batch; tuples hold one entry for each family of windows.

    Attributes:
        windows: W_i.
        log_probabilities: log S_i, ``(B, N, K, h, w)``, with gradient where there is one.
        stitched: S_TA^w, probabilities ``(B, K, H, W)``, likewise.
        told: S_TA^w as the student is told, without gradient; the same, or the mean with what the
            teacher assistant sees in a mirror and at further scales.
        fused: E_i and M_i, without gradient.
        boundary: B_ref, bool ``(B, H, W)``.
    """

    windows: Windows
    log_probabilities: tuple[Tensor, ...]
    stitched: Tensor
    told: Tensor
    fused: tuple[FusedWindows, ...]
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
    """How the two teachers look, and what of it is handed on.

    Attributes:
        fuse: joins S_i and the masks to E_i and M_i.
        window_scale: enlarge windows by this factor for the teacher assistant.
        boundary: which windows B_ref comes from.
        boundary_radius: how far a class edge may lie from SAM's, pixels.
        targets: hard, soft or mixed.
        mirror: look at the mirror image, too, and fuse and tell the mean of both (our choice:
            mistakes that depend on the side cancel out).
        further_scales: look at windows of these scales, too, and take the mean likewise (our
            choice: what is near and what is far have each a scale that suits them).
        labels_in_eval_mode: what is fused and told comes from the teacher assistant in evaluation
            mode, of a further look where it trains; else from what it says in training, with drop
            path and the statistics of the batch.
    """

    fuse: Fusion
    window_scale: float
    boundary: BoundaryVersion
    boundary_radius: int
    targets: TargetKind
    mirror: bool = False
    further_scales: tuple[float, ...] = ()
    labels_in_eval_mode: bool = False

    def predict(
        self,
        network: Callable[[Tensor], Tensor],
        batch: PanoramaBatch,
        scale: float | None = None,
    ) -> Windowed:
        """Log S_i of every window, ``(B, N, K, h, w)`` of each family, at one scale."""
        logits = map_families(network, batch.image, batch.windows, scale or self.window_scale)
        return _of_families([F.log_softmax(family, dim=2) for family in logits])

    def look(self, network: Callable[[Tensor], Tensor], batch: PanoramaBatch) -> Look:
        """Ask the teacher assistant about every window, and fuse with SAM's masks.

        Raises:
            NotFiniteError: it gives logits that are NaN or infinite.
        """
        windows, masks = batch.windows, masks_of(batch)
        predicted = as_families(self.predict(network, batch))
        probabilities = tuple(part.exp() for part in predicted)
        stitched = stitch_families(probabilities, windows)
        told, seen = self._tellable(network, batch, stitched, probabilities)
        refuse_not_finite(told.sum(), {"the teacher's probabilities": told.sum()}, batch.names)
        labels = tuple(part.argmax(dim=2) for part in seen)
        return Look(
            windows=windows,
            log_probabilities=predicted,
            stitched=stitched,
            told=told,
            fused=tuple(map(self.fuse, seen, masks)),
            boundary=refined_boundary(masks, labels, windows, self.boundary_radius, self.boundary),
        )

    @torch.no_grad()
    def _tellable(
        self,
        network: Callable[[Tensor], Tensor],
        batch: PanoramaBatch,
        stitched: Tensor,
        probabilities: tuple[Tensor, ...],
    ) -> tuple[Tensor, list[Tensor]]:
        """Of all views, the mean of S_TA^w and of S_i; nothing is learned from a further look."""
        told, seen = stitched.detach(), [part.detach() for part in probabilities]
        asked_again = self.labels_in_eval_mode and _is_training(network)
        # after the look with gradient: autocast keeps the casts of weights that it made first
        with self._further_mode(network):
            if asked_again:
                seen = [part.exp() for part in as_families(self.predict(network, batch))]
                told = stitch_families(tuple(seen), batch.windows)
            further = list(self.predict_further(network, batch))
        if not further:
            return told, seen
        share = 1 / (1 + len(further))
        mean = torch.stack(further).mean(dim=0)
        others = extract_families(mean, batch.windows)
        return torch.lerp(mean, told, share), [
            torch.lerp(other, part, share) for part, other in zip(seen, others, strict=True)
        ]

    def _further_mode(self, network: object) -> AbstractContextManager[None]:
        return (evaluating if self.labels_in_eval_mode else keeping_statistics)(network)

    @torch.no_grad()
    def predict_further(
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

    def tell(self, look: Look) -> TeacherTargets:
        """What a student learns from a look, as small as it is stored."""
        hard, soft = self.targets == "hard", self.targets == "soft"
        return TeacherTargets(
            whole=look.told.argmax(1).to(torch.uint8) if hard else pack_probabilities(look.told),
            ensemble=_of_families(
                [pack_probabilities(each.ensemble) if soft else each.label for each in look.fused]
            ),
            weight=_of_families([each.weight.to(torch.uint8) for each in look.fused]),
            boundary=look.boundary,
        )

    def recall(self, targets: TeacherTargets) -> TeacherTargets:
        """Targets as cross-entropies take them: labels, or probabilities at full size."""
        if self.targets == "hard":
            return targets
        whole = unpack_probabilities(targets.whole)
        if self.targets == "mixed":
            return targets._replace(whole=whole)
        return targets._replace(
            whole=whole,
            ensemble=by_family(unpack_probabilities, targets.ensemble),
        )

    def region(self, windows: Windows) -> Tensor:
        """The overlaps that boundary terms are taken on, bool ``(H, W)``."""
        return boundary_region(windows, self.boundary)

    def describe(self) -> dict[str, str]:
        """Everything that decides about the targets besides the networks and the batch.

        Raises:
            ValueError: the fusion holds what cannot be told from something else.
        """
        try:
            fusion = identity_of(self.fuse)
        except ValueError as error:
            raise ValueError(
                f"what {type(self.fuse).__name__} fused cannot be found again: {error}; or remove "
                "the callback PrecomputeTeacher"
            ) from error
        return {
            "rules": _RULES,
            "window_scale": repr(self.window_scale),
            "fusion": fusion,
            "boundary": f"{self.boundary} {self.boundary_radius}",
            "targets": self.targets,
            "mirror": repr(self.mirror),
            "further_scales": repr(self.further_scales),
        }

    def _stitched(
        self, network: Callable[[Tensor], Tensor], batch: PanoramaBatch, scale: float
    ) -> Tensor:
        predicted = by_family(torch.exp, self.predict(network, batch, scale))
        return stitch_families(predicted, batch.windows)


def rectification_terms(
    look: Look,
    teachers: Teachers,
    confident_weight: float,
    distance: Distance,
    class_weights: Tensor,
) -> dict[str, Tensor]:
    """The terms of L_TA: L_CE^{T,TA}(S_i; E_i, M_i), L_CC(S_i, S_j), and L_bd(S; B_ref).

    The teacher assistant learns from the ensemble that it is a part of.

    Args:
        look: with gradient.
        teachers: who looked.
        confident_weight: λ_H.
        distance: of L_CC.
        class_weights: w.
    """
    soft = teachers.targets == "soft"
    region = teachers.region(look.windows).to(look.boundary.device)
    return {
        "ensemble": ensemble_cross_entropy(
            look.log_probabilities,
            tuple(each.ensemble if soft else each.label for each in look.fused),
            tuple(each.weight for each in look.fused),
            confident_weight,
            class_weights,
        ),
        "consistency": consistency(look.log_probabilities, look.windows, distance),
        "boundary": boundary_loss(look.stitched, look.boundary, where=region),
    }


def labels_of(targets: Tensor) -> Tensor:
    """Hard targets ``(B, H, W)`` as they are, soft ones ``(B, K, h, w)`` by their argmax."""
    return targets.argmax(dim=1) if targets.ndim > _LABEL_AXES else targets


def masks_of(batch: PanoramaBatch) -> tuple[Tensor, ...]:
    """SAM's masks of a batch, int ``(B, N, L, h, w)`` of each family.

    Raises:
        ValueError: the batch comes without.
    """
    if batch.masks is None:
        raise ValueError(
            "this training needs SAM's masks and the batch has none: set data.init_args.mask_root "
            "and put goodsam_pl.callbacks.PrecomputeSAM among trainer.callbacks"
        )
    return as_families(batch.masks)


def _is_training(network: object) -> bool:
    return isinstance(network, nn.Module) and any(part.training for part in network.modules())


def _of_families(tensors: list[Tensor]) -> Windowed:
    return tuple(tensors) if len(tensors) > 1 else tensors[0]
