"""What a step of a continual training receives, and how samples become a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from goodsam_pl.data.drawn_prompts import PromptKind
from goodsam_pl.data.square_frame import SquareFrame

__all__ = ["DomainBatch", "DomainSample", "Original", "PromptGroup", "collate_domains"]


class Original(NamedTuple):
    """An image as it lies on disk.

    Attributes:
        frame: where it lies in the square.
        mask: bool ``(H, W)``, of its own size.
    """

    frame: SquareFrame
    mask: Tensor


@dataclass(frozen=True)
class DomainSample:
    """One image with its mask and one prompt.

    Attributes:
        image: float32 ``(3, S, S)``, ImageNet-normalised.
        mask: bool ``(S, S)``.
        kind: of the prompt.
        prompt: float32, as one row of a :class:`PromptGroup`.
        domain: column of the matrix.
        name: of the image within its domain.
        file: image file.
        original: in evaluation alone.
    """

    image: Tensor
    mask: Tensor
    kind: PromptKind
    prompt: Tensor
    domain: int
    name: str
    file: Path
    original: Original | None = None


class PromptGroup(NamedTuple):
    """The prompts of one kind in a batch; SAM's prompt encoder takes one kind at a time.

    Attributes:
        kind: ``box``, ``points`` or ``mask``.
        rows: int64 ``(n,)``, which images of the batch they are of.
        values: float32; boxes ``(n, 4)`` as left, top, right, bottom; points ``(n, P, 2)`` as x and
            y, all of the foreground; mask logits ``(n, 1, m, m)``. Pixels are those of the square.
    """

    kind: PromptKind
    rows: Tensor
    values: Tensor


@dataclass
class DomainBatch:
    """Images with one mask each, of one domain or several.

    Attributes:
        image: float32 ``(B, 3, S, S)``, ImageNet-normalised, as the encoders of ``sam/`` take them.
        mask: bool ``(B, S, S)``, somewhere true in each image.
        prompts: a group for each kind that occurs; each image is in one of them.
        domain: int64 ``(B,)``, columns of the :class:`goodsam_pl.metrics.TaskMatrix`: places in the
            sequence, then the domains outside of it.
        names: of the images within their domains.
        files: image files, whose contents kept embeddings may go by.
        originals: in evaluation, what scores are measured on; empty in training.
    """

    image: Tensor
    mask: Tensor
    prompts: tuple[PromptGroup, ...]
    domain: Tensor
    names: list[str]
    files: list[Path]
    originals: tuple[Original, ...] = ()

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move every tensor as ``Tensor.to`` does, in place, and return the batch."""
        return self._apply(lambda tensor: tensor.to(*args, **kwargs))

    def pin_memory(self) -> Self:
        """Move every tensor to page-locked memory, in place, and return the batch."""
        return self._apply(lambda tensor: tensor.pin_memory())

    def _apply(self, function: Callable[[Tensor], Tensor]) -> Self:
        self.image, self.mask = function(self.image), function(self.mask)
        self.domain = function(self.domain)
        self.prompts = tuple(
            PromptGroup(kind, function(rows), function(values))
            for kind, rows, values in self.prompts
        )
        self.originals = tuple(Original(frame, function(mask)) for frame, mask in self.originals)
        return self


def collate_domains(samples: Sequence[DomainSample]) -> DomainBatch:
    """Stack samples, and group their prompts by kind."""
    by_kind: dict[PromptKind, list[int]] = {}
    for row, sample in enumerate(samples):
        by_kind.setdefault(sample.kind, []).append(row)
    return DomainBatch(
        image=torch.stack([sample.image for sample in samples]),
        mask=torch.stack([sample.mask for sample in samples]),
        prompts=tuple(
            PromptGroup(
                kind, torch.tensor(rows), torch.stack([samples[row].prompt for row in rows])
            )
            for kind, rows in sorted(by_kind.items())
        ),
        domain=torch.tensor([sample.domain for sample in samples]),
        names=[sample.name for sample in samples],
        files=[sample.file for sample in samples],
        originals=tuple(sample.original for sample in samples if sample.original is not None),
    )
