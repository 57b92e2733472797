"""Loaders, alike for panoramas and pinhole images."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from goodsam_pl.data.rare_classes import RareClassSampler
from goodsam_pl.data.resuming import (
    Position,
    ReplayableDataset,
    ResumableLoader,
    SharedSampler,
    ShuffledSampler,
)
from goodsam_pl.data.sampler import ExactDistributedSampler
from goodsam_pl.data.transforms import draw_generator
from goodsam_pl.files.allocator import keep_memory

__all__ = ["Loading"]


@dataclass(frozen=True)
class Loading:
    """How many samples at once, and by how many worker processes.

    Attributes:
        batch_size: samples of a training batch, per process.
        eval_batch_size: samples of a batch in validation, test and prediction.
        num_workers: worker processes of each loader; 0 loads in the main process.
    """

    batch_size: int
    eval_batch_size: int
    num_workers: int

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("eval_batch_size", 1), ("num_workers", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"data.{name} is {getattr(self, name)}: choose at least {least}")

    def training(
        self,
        dataset: Dataset[Any],
        collate: Callable[..., Any],
        trainer: pl.Trainer | None,
        position: Position | None = None,
        weights: torch.Tensor | None = None,
    ) -> DataLoader[Any]:
        """A shuffled loader; drops a last, smaller batch unless it is the only one.

        Args:
            dataset: the samples.
            collate: makes batches of them.
            trainer: knows the processes that share them; ``None`` is one.
            position: where a resumed training goes on.
            weights: how often each sample is drawn; ``None`` is once an epoch.
        """
        samples = ReplayableDataset(dataset, draw_generator)
        sampler: Sampler[int] = ShuffledSampler(samples)
        processes, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        if weights is not None:
            sampler = RareClassSampler(samples, weights, processes, rank)
        elif processes > 1:
            sampler = SharedSampler(samples, processes, rank)
        share = len(samples) // processes
        return ResumableLoader(
            samples,
            batch_size=self.batch_size,
            sampler=sampler,
            drop_last=share >= self.batch_size,
            collate_fn=_Collate(collate),
            position=position,
            persistent_workers=self.num_workers > 0 and _workers_start_slowly(),
            **self._workers(),
        )

    def evaluation(
        self,
        dataset: Dataset[Any],
        collate: Callable[..., Any],
        trainer: pl.Trainer | None,
        *,
        allow_idle: bool = False,
    ) -> DataLoader[Any]:
        """An ordered loader that gives each sample to exactly one process.

        Args:
            dataset: the samples.
            collate: makes batches of them.
            trainer: knows the processes; ``None`` is one.
            allow_idle: processes may come away empty.
        """
        sampler = None
        if trainer is not None and trainer.world_size > 1:
            sampler = ExactDistributedSampler(
                dataset, trainer.world_size, trainer.global_rank, self.eval_batch_size, allow_idle
            )
        return DataLoader(
            dataset,
            batch_size=self.eval_batch_size,
            sampler=sampler,
            collate_fn=collate,
            # of its own, so that validation leaves the random numbers of training alone
            generator=torch.Generator(),
            **self._workers(),
        )

    def _workers(self) -> dict[str, Any]:
        return {
            "num_workers": self.num_workers,
            "pin_memory": torch.cuda.is_available(),
            "worker_init_fn": _begin,
        }


class _Collate:
    """Leaves batches alone that are only gone through again."""

    def __init__(self, collate: Callable[..., Any]) -> None:
        self._collate = collate

    def __call__(self, samples: list[Any]) -> Any:
        return None if samples[0] is None else self._collate(samples)


def _begin(worker: int) -> None:  # noqa: ARG001  # torch passes its number
    """What each worker does first; of a spawned one the C library knows nothing yet."""
    keep_memory()


def _workers_start_slowly() -> bool:
    """Whether new workers import everything again: then it pays to keep them between epochs.

    Forked workers start in milliseconds. Keeping those would only cost, as torch takes 5 seconds
    for each to end when an unused loader is found by the garbage collector.
    """
    return multiprocessing.get_all_start_methods()[0] != "fork"
