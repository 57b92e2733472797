"""What a data module has of a domain, in the form that methods take it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, overload

from goodsam_pl.data import DomainDataModule
from goodsam_pl.modules.continual.kept_embeddings import KeptEmbeddings
from goodsam_pl.modules.continual.method import ContinualTask
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, as_prompted

__all__ = ["KeptImages", "domain_task"]


class TrainingImages(Iterable[PromptedBatch]):
    """Training images as they are evaluated, read anew in each pass.

    Args:
        data: after ``setup``.
        domains: columns.
        kept: where answers of the frozen SAM are kept, if they are.
    """

    def __init__(
        self, data: DomainDataModule, domains: Sequence[int], kept: KeptEmbeddings | None
    ) -> None:
        self._data = data
        self._kept = kept
        self._domains = domains

    def __iter__(self) -> Iterator[PromptedBatch]:
        loader: Iterable[Any] = self._data.evaluation(self._data.images("train", self._domains))
        return (as_prompted(batch, self._kept) for batch in loader)


class KeptImages(Sequence[PromptedBatch]):
    """The buffers of the first domains of a sequence, read when they are first asked for.

    Args:
        data: after ``setup``.
        count: of domains.
        kept: where answers of the frozen SAM are kept, if they are.
    """

    def __init__(
        self, data: DomainDataModule, count: int, kept: KeptEmbeddings | None = None
    ) -> None:
        self._data = data
        self._kept = kept
        self._count = count
        self._read = cache(self._joined)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, domain: int) -> PromptedBatch: ...
    @overload
    def __getitem__(self, domain: slice) -> Sequence[PromptedBatch]: ...
    def __getitem__(self, domain: int | slice) -> PromptedBatch | Sequence[PromptedBatch]:
        """The kept images of a domain, as they are evaluated."""
        places = range(self._count)[domain]
        return self._read(places) if isinstance(places, int) else [self._read(at) for at in places]

    def _joined(self, domain: int) -> PromptedBatch:
        loader: Iterable[Any] = self._data.evaluation(self._data.buffer(domain))
        return PromptedBatch.joined([as_prompted(batch, self._kept) for batch in loader])


def domain_task(
    data: DomainDataModule,
    number: int,
    together: bool = False,
    kept: KeptEmbeddings | None = None,
) -> ContinualTask:
    """A task of the sequence.

    Args:
        data: after ``setup``.
        number: of the task, from 0.
        together: it is of all domains up to this one, and called ``all``.
        kept: where answers of the frozen SAM are kept, if they are.
    """
    domains = range(number + 1) if together else range(number, number + 1)
    name = "all" if together else data.sequence[number]
    images = TrainingImages(data, domains, kept)
    return ContinualTask(name, images, KeptImages(data, number + 1, kept))
