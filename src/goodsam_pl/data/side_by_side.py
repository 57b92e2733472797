"""Two loaders side by side, each with random numbers of its own.

Drawn from one stream, the augmentation of one data set would depend on how the other is read, and a
resumed training could not go through what it has seen. So each pass over a loader has a stream of
its own, made of the training's seed, the loader's name, the process, the epoch and the pass's place
in it: where a training is follows from Lightning's counters alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils.data import DistributedSampler

from goodsam_pl.data.resuming import Position, ResumableLoader

__all__ = ["SideLoader", "SidePosition", "Stream"]

_EPOCHS = 2**31
"""Samplers add their epoch to a seed."""


class Stream(NamedTuple):
    """What the random numbers of a loader follow from.

    Attributes:
        seed: of the training.
        name: of the loader.
        rank: of the process.
        epoch: Lightning's.
    """

    seed: int
    name: str
    rank: int
    epoch: int


class SidePosition(Position):
    """Where one of several loaders is, in a pass that may be one of several of an epoch.

    Args:
        done: batches of the epoch that are done, of all loaders alike.
    """

    length: int = 1
    """Batches of a pass."""

    def begin(self) -> int:
        """Begin a pass: how many of its batches were seen before."""
        return self.done() % self.length

    def arrive(self) -> None:
        """Random numbers are the pass's own and go on by themselves."""


class SideLoader:
    """A loader whose passes neither see nor change the random numbers around them.

    Args:
        loader: with a :class:`SidePosition`.
        stream: asked when a pass begins.
    """

    def __init__(self, loader: ResumableLoader, stream: Callable[[], Stream]) -> None:
        if not isinstance(loader.position, SidePosition):
            raise TypeError("a side loader goes on from a SidePosition")
        self.loader = loader
        self.position = loader.position
        self.position.length = len(loader)
        self._stream = stream

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """A pass. Nothing is drawn before the first batch is asked for."""
        place = self.position.done() // len(self.loader)
        stream = self._stream()
        own = torch.Generator().manual_seed(_number(*stream, place)).get_state()
        if isinstance(self.loader.sampler, DistributedSampler):  # one order for all processes
            self.loader.sampler.set_epoch(_number(stream.epoch, place) % _EPOCHS)
        batches = iter(self.loader)
        while True:
            around = torch.get_rng_state()
            torch.set_rng_state(own)
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                own = torch.get_rng_state()
                torch.set_rng_state(around)
            yield batch


def _number(*parts: object) -> int:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
