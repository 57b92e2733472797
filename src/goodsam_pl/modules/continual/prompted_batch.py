"""What methods learn from and are asked about: images, a prompt and a mask of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.domain_query import DomainQuery
from goodsam_pl.modules.continual.kept_embeddings import KeptEmbeddings
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import ImagePrompts

__all__ = ["AskedImages", "AskedRows", "PromptedBatch", "as_prompted", "draw_masks"]


class AskedImages(Protocol):
    """A batch as data modules give it; the attributes are those of :meth:`PromptedBatch.of`."""

    @property
    def image(self) -> Tensor:
        """``(B, 3, s, s)`` float."""
        ...

    @property
    def mask(self) -> Tensor:
        """``(B, S, S)`` bool."""
        ...

    @property
    def prompts(self) -> Sequence[tuple[str, Tensor, Tensor]]:
        """Of each kind its name, rows and values."""
        ...


class AskedRows(NamedTuple):
    """Prompts of one kind.

    Attributes:
        rows: int64 ``(n,)``, which images of the batch they are of.
        prompts: of n images.
    """

    rows: Tensor
    prompts: ImagePrompts


@dataclass(frozen=True)
class PromptedBatch:
    """B images, with one object in each.

    Attributes:
        images: ``(B, 3, s, s)`` float, ImageNet-normalised, of the encoder's side.
        asked: a group for each kind of prompt; each image is in one of them.
        masks: ``(B, S, S)`` bool; ``None`` where nothing is learned.
        features: what the frozen SAM said of these very images, if that is known already; may be of
            half precision.
        kept: where answers of the frozen SAM are kept, for images that come again.
    """

    images: Tensor
    asked: tuple[AskedRows, ...]
    masks: Tensor | None = None
    features: SamFeatures | None = None
    kept: KeptEmbeddings | None = None

    @classmethod
    def of(
        cls,
        images: Tensor,
        groups: Iterable[tuple[str, Tensor, Tensor]],
        masks: Tensor | None = None,
        features: SamFeatures | None = None,
        kept: KeptEmbeddings | None = None,
    ) -> Self:
        """A batch from prompts as data sets give them.

        Args:
            images: as the attribute.
            groups: of each kind its name, the images' rows ``(n,)`` and values: ``box`` with
                ``(n, 4)``, ``points`` with ``(n, P, 2)``, all on the object, or ``mask`` with
                logits ``(n, 1, 4h, 4w)``.
            masks: as the attribute.
            features: as the attribute.
            kept: as the attribute.

        Raises:
            ValueError: another kind.
        """
        asked = tuple(AskedRows(rows, _prompts(kind, values)) for kind, rows, values in groups)
        return cls(images, asked, masks, features, kept)

    def __len__(self) -> int:
        """B, the number of images."""
        return len(self.images)

    def take(self, rows: Tensor) -> Self:
        """Some images, int64 ``(b,)``, each once, in this order."""
        place = torch.full((len(self),), -1, device=rows.device)
        place[rows] = torch.arange(len(rows), device=rows.device)
        asked = []
        for group in self.asked:
            taken = (place[group.rows] >= 0).nonzero()[:, 0]
            if len(taken):
                asked.append(AskedRows(place[group.rows[taken]], group.prompts.take(taken)))
        return replace(
            self,
            images=self.images[rows],
            asked=tuple(asked),
            masks=None if self.masks is None else self.masks[rows],
            features=None if self.features is None else self.features.take(rows),
        )

    def to(self, device: torch.device | str) -> Self:
        """On another device."""
        known = self.features
        return replace(
            self,
            images=self.images.to(device),
            asked=tuple(AskedRows(rows.to(device), some.to(device)) for rows, some in self.asked),
            masks=None if self.masks is None else self.masks.to(device),
            features=None if known is None else SamFeatures(*(each.to(device) for each in known)),
        )

    @classmethod
    def joined(cls, batches: Sequence[Self]) -> Self:
        """Batches behind one another; what SAM said is kept if it is known of all."""
        first = 0
        asked = []
        for batch in batches:
            asked += [AskedRows(rows + first, prompts) for rows, prompts in batch.asked]
            first += len(batch)
        masks = [batch.masks for batch in batches if batch.masks is not None]
        known = [batch.features for batch in batches if batch.features is not None]
        return cls(
            torch.cat([batch.images for batch in batches]),
            tuple(asked),
            torch.cat(masks) if len(masks) == len(batches) else None,
            SamFeatures(*map(torch.cat, zip(*known, strict=True)))
            if len(known) == len(batches)
            else None,
            batches[0].kept,
        )

    def known_by(self, sam: FrozenSam) -> Self:
        """The same with what the frozen SAM says of the images, for who asks more than once."""
        return replace(self, features=self.frozen_features(sam))

    def frozen_features(self, sam: FrozenSam) -> SamFeatures:
        """What the frozen SAM says of the images; it is asked only if that is not known."""
        known = self.features
        if known is None:
            if self.kept is None:
                return sam.encode(self.images)
            known = self.kept.features(self.images)
        return SamFeatures(*(each.float() for each in known))

    def queries(self, query: DomainQuery, sam: FrozenSam) -> Tensor:
        """What a query says of the images, ``(B, channels)`` float."""
        if self.kept is None:
            said: Tensor = query(sam, self.images, self.features)
            return said
        return self.kept.queries(query, self.images, self.frozen_features(sam))


def as_prompted(
    batch: PromptedBatch | AskedImages, kept: KeptEmbeddings | None = None
) -> PromptedBatch:
    """A batch of a data module as methods take it; one of theirs as it is.

    Args:
        batch: of either.
        kept: where answers of the frozen SAM are kept; ``None`` for images that do not come again.
    """
    if isinstance(batch, PromptedBatch):
        return batch
    return PromptedBatch.of(batch.image, batch.prompts, batch.mask, kept=kept)


def draw_masks(adapter: Adapter | None, sam: FrozenSam, batch: PromptedBatch) -> Tensor:
    """Masks of a batch by one adapter, kind of prompt by kind.

    Args:
        adapter: made for this SAM; ``None`` draws SAM's own masks.
        sam: frozen.
        batch: what SAM said of its images before is used only where it still holds.

    Returns:
        Logits ``(B, 1, 4h, 4w)`` float, in the order of the images.
    """
    if adapter is not None and adapter.changes_embedding:
        features = adapter.encode(sam, batch.images)
    else:
        features = batch.frozen_features(sam)
    ask = sam.decode if adapter is None else lambda *given: adapter(sam, *given)
    drawn = [ask(features.take(rows), prompts) for rows, prompts in batch.asked]
    order = torch.cat([group.rows for group in batch.asked])
    return torch.cat(drawn)[order.argsort()]


def _prompts(kind: str, values: Tensor) -> ImagePrompts:
    if kind == "box":
        return ImagePrompts(boxes=values)
    if kind == "points":
        labels = torch.ones(values.shape[:2], dtype=torch.int, device=values.device)
        return ImagePrompts(points=values, labels=labels)
    if kind == "mask":
        return ImagePrompts(masks=values)
    raise ValueError(f"prompts of kind {kind!r}: give box, points or mask")
