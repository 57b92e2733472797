"""Everything that the networks and SAM say of one panorama, asked once, to be fused at will."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeGuard

import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.fusion import Fusion, MaskVotes, WordVoter, fuse, mask_votes
from goodsam_pl.geometry import Windowed, Windows, by_family, stitch_families
from goodsam_pl.modules import Teachers
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.fused_panorama import FusedPanorama

__all__ = ["FusingModule", "PanoramaLook", "is_fusing", "look_at"]


class FusingModule(Protocol):
    """A LightningModule with a teacher assistant that SAM's masks are fused with.

    Attributes:
        taxonomy: names and colours of the classes.
        teacher_assistant: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teachers: how it looks at windows, and how that and the masks are joined.
    """

    taxonomy: Taxonomy
    teacher_assistant: nn.Module
    teachers: Teachers


def is_fusing(module: object) -> TypeGuard[FusingModule]:
    """Whether a module has all of it.

    Since Python 3.12 isinstance overlooks networks, which torch keeps out of plain attributes.
    """
    return all(hasattr(module, name) for name in ("taxonomy", "teacher_assistant", "teachers"))


@dataclass(frozen=True, eq=False)
class PanoramaLook:
    """What was said of one panorama; a fusion is made of it without asking anybody again.

    Tuples hold one entry for each family of windows.

    Attributes:
        name: of the panorama.
        image: normalised, ``(3, H, W)``.
        windows: W_i.
        logits: what the teacher assistant says of each window, raw, ``(N, K, h, w)``.
        stitched: S_TA^w, probabilities ``(K, H, W)``.
        seen: S_i as fusions get them, probabilities ``(N, K, h, w)``: with the further views of
            the run, where it has any and there are masks.
        target: S_TA^w, likewise.
        masks: SAM's, int ``(N, L, h, w)``, -1 = no mask; ``None`` without.
        whole_masks: masks are of the whole panorama, and one has the same id in all windows.
        words: evidence of each class that words have found, uint8 ``(K, H, W)``; ``None`` without.
        fusion: the run's.
        student_logits: of the student, ``(K, H, W)``; ``None`` where nobody was asked.
        truth: labels, int64 ``(H, W)``, 255 = unknown; ``None`` without.
        taxonomy: of all classes here.
    """

    name: str
    image: Tensor
    windows: Windows
    logits: Windowed
    stitched: Tensor
    seen: Windowed
    target: Tensor
    masks: Windowed | None
    whole_masks: bool
    words: Tensor | None
    fusion: Fusion
    student_logits: Tensor | None
    truth: Tensor | None
    taxonomy: Taxonomy

    @property
    def stitched_logits(self) -> Tensor:
        """Raw logits ``(K, H, W)``: their mean over the windows that hold a pixel."""
        return stitch_families(_batched(self.logits), self.windows)[0]

    def fuse(self, fusion: Fusion | None = None) -> FusedPanorama:
        """Fuse what was said once more.

        Args:
            fusion: any, e.g. ``CTCF(threshold=0.7)``; ``None`` takes the run's. What words have
                found is heard by a :class:`goodsam_pl.fusion.WordVoter` alone.

        Raises:
            ValueError: there are no masks.
        """
        fusion = self.fusion if fusion is None else fusion
        hears = isinstance(fusion, WordVoter) and self.words is not None
        parts = fuse(
            fusion,
            _batched(self.seen),
            self.target[None],
            _batched(self._masks),
            self.windows,
            whole_masks=self.whole_masks,
            words=self.words[None] if hears and self.words is not None else None,
        )
        return FusedPanorama(parts, self.windows, self.taxonomy.ignore_index)

    def votes(self, family: int = 0) -> MaskVotes:
        """How the pixels of each mask vote in each window: shares ``(N, M, K)``, areas ``(N, M)``.

        Args:
            family: of windows.

        Raises:
            ValueError: there are no masks.
        """
        return mask_votes(self.seen[family], self._masks[family])

    def whole_votes(self) -> MaskVotes:
        """How the pixels of each mask vote all around: shares ``(M, K)``, areas ``(M,)``.

        Raises:
            ValueError: there are no masks, or they are not of the whole panorama.
        """
        if not self.whole_masks:
            raise ValueError(f"{self.name}: its masks end with their windows, ask for votes()")
        votes = mask_votes(self.target[None], self.whole_layers()[None])
        return MaskVotes(votes.shares[0], votes.areas[0])

    def whole_layers(self) -> Tensor:
        """The masks of the whole panorama, int ``(L, H, W)``, -1 = no mask.

        Raises:
            ValueError: there are no masks, or they are not of the whole panorama.
        """
        if not self.whole_masks:
            raise ValueError(f"{self.name}: its masks end with their windows")
        return self.windows.families[0].put_back(self._masks[0][None])[0]

    @torch.no_grad()
    def with_student(self, student: nn.Module) -> Self:
        """Add what a student says, which sees the whole panorama at once.

        Args:
            student: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)`` of the same classes,
                and is on the device of the image.
        """
        return replace(self, student_logits=student(self.image[None]).float()[0])

    @property
    def _masks(self) -> Windowed:
        if self.masks is None:
            raise ValueError(
                f"{self.name} has no masks, so that there is nothing to fuse: name a mask store by "
                "data.init_args.mask_root, and who proposes masks by the callback PrecomputeSAM"
            )
        return self.masks


@torch.no_grad()
def look_at(
    batch: PanoramaBatch, module: FusingModule, labels_in: Taxonomy | None = None
) -> PanoramaLook:
    """Ask the teacher assistant about the first panorama of a batch.

    Args:
        batch: with masks, or without: then nothing can be fused.
        module: holds the teacher assistant and the fusion; on the device of the batch, and in
            evaluation mode.
        labels_in: class set of the batch's labels; they are left out where it is another than the
            module's.
    """
    first = _first_of(batch)
    teachers, comparable = module.teachers, labels_in in {None, module.taxonomy}
    logits = teachers.logits(module.teacher_assistant, first)
    if first.masks is None:  # nobody asks for further views: they are for a fusion
        seen = by_family(lambda each: each.log_softmax(dim=2).exp(), logits)
        stitched = target = stitch_families(seen, first.windows)
    else:
        _, stitched, seen, target = teachers.see(module.teacher_assistant, first, logits)
    return PanoramaLook(
        name=first.names[0],
        image=first.image[0],
        windows=first.windows,
        logits=_first(logits),
        stitched=stitched[0],
        seen=_first(seen),
        target=target[0],
        masks=None if first.masks is None else _first(first.masks),
        whole_masks=first.whole_masks,
        words=None if first.words is None else first.words[0],
        fusion=teachers.fusion,
        student_logits=None,
        truth=first.label[0] if comparable and first.label is not None else None,
        taxonomy=module.taxonomy,
    )


def _batched(windowed: Windowed) -> Windowed:
    return by_family(lambda each: each[None], windowed)


def _first(windowed: Windowed) -> Windowed:
    return by_family(lambda each: each[0], windowed)


def _first_of(batch: PanoramaBatch) -> PanoramaBatch:
    return replace(
        batch,
        image=batch.image[:1],
        label=None if batch.label is None else batch.label[:1],
        masks=None if batch.masks is None else by_family(lambda each: each[:1], batch.masks),
        targets=None,
        names=batch.names[:1],
        words=None if batch.words is None else batch.words[:1],
    )
