"""A training that is resumed sees what it would have seen.

The order of an epoch and the augmentation of each visit come from PyTorch's random numbers. A
checkpoint keeps their state where the epoch began and where it was saved. On resuming, the order
is drawn again from the first, the batches that were seen are gone through without reading a
file, and the random numbers go on from the second.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler, RandomSampler, Sampler

__all__ = [
    "Position",
    "ReplayableDataset",
    "ReplayableSampler",
    "ResumableDataModule",
    "ResumableLoader",
    "SharedSampler",
    "ShuffledSampler",
    "random_state",
    "set_random_state",
]


class Seen(int):
    """The index of a sample that was seen before: only its random numbers are drawn."""

    __slots__ = ()


class ReplayableDataset(Dataset[Any]):
    """A data set that can be gone through without reading a file.

    Args:
        dataset: draws one number a visit, as :func:`goodsam_pl.data.transforms.draw_generator`
            does.
        draw: draws as a visit does.
    """

    def __init__(self, dataset: Dataset[Any], draw: Callable[[int], object]) -> None:
        self.dataset = dataset
        self._draw = draw

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # all of ours have a length

    def __getitem__(self, index: int) -> Any:
        if not isinstance(index, Seen):
            return self.dataset[index]
        self._draw(index)
        return None


class ReplayableSampler(Sampler[int]):
    """Marks the first indices of the next pass as seen.

    Attributes:
        seen: how many were seen before.
    """

    seen: int = 0

    def __iter__(self) -> Iterator[int]:
        for place, index in enumerate(super().__iter__()):
            yield Seen(index) if place < self.seen else index


class ShuffledSampler(ReplayableSampler, RandomSampler):
    """All samples in random order."""


class SharedSampler(ReplayableSampler, DistributedSampler[int]):
    """All samples in random order, dealt to the processes as Lightning would.

    Args:
        dataset: the samples.
        processes: that share them.
        rank: this process.
    """

    def __init__(self, dataset: Dataset[Any], processes: int, rank: int) -> None:
        # the seed of `seed_everything`, under the name that Lightning keeps it
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        super().__init__(dataset, num_replicas=processes, rank=rank, shuffle=True, seed=seed)


class Position:
    """Where a training is in its random numbers.

    Attributes:
        done: batches of the epoch under way that are done, asked before the first is drawn.
    """

    def __init__(self, done: Callable[[], int]) -> None:
        self.done = done
        self._start: dict[str, Any] | None = None
        self._resumed: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors; nothing before the first batch."""
        if self._start is None:
            return {}
        return {"epoch_start": self._start, "now": random_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there when the next pass begins.

        Raises:
            ValueError: it is no such state.
        """
        try:
            for part in ("epoch_start", "now") if state else ():
                torch.Generator().set_state(state[part]["cpu"].cpu())
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise ValueError(
                f"the checkpoint's random numbers are damaged ({error!r}): go on from another one"
            ) from error
        self._resumed = state or None

    def begin(self) -> int:
        """Begin a pass.

        Returns:
            How many batches were seen before. Where there are some, they are to be drawn now, then
            :meth:`arrive`.
        """
        seen = 0
        if self._resumed is not None:
            seen = self.done()
            set_random_state(self._resumed["epoch_start" if seen else "now"])
        if not seen:
            self._resumed = None
        self._start = random_state()
        return seen

    def arrive(self) -> None:
        """Go on with the random numbers of the checkpoint."""
        if self._resumed is not None:
            set_random_state(self._resumed["now"])
            self._resumed = None


class ResumableLoader(DataLoader[Any]):
    """A loader that goes on in the middle of an epoch.

    Args:
        position: where the training is, shared with its data module; ``None`` begins each pass
            anew.
    """

    def __init__(self, *args: Any, position: Position | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.position = position

    def __iter__(self) -> Any:
        """A pass. Nothing is drawn before the first batch is asked for."""
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        seen = self.position.begin() if self.position else 0
        if isinstance(self.sampler, ReplayableSampler):
            self.sampler.seen = seen * (self.batch_size or 1)
        batches = super().__iter__()
        for _ in range(min(seen, len(self))):  # the data may have become fewer since
            next(batches)
        if self.position:
            self.position.arrive()
        yield from batches


class ResumableDataModule(pl.LightningDataModule):
    """A data module whose training goes on where a checkpoint was saved.

    Attributes:
        position: where the training is; its loader keeps it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.position = Position(self._batches_done)

    def state_dict(self) -> dict[str, Any]:
        """What Lightning puts into each checkpoint."""
        return self.position.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What Lightning found in the checkpoint that it goes on from."""
        self.position.load_state_dict(state_dict)

    def _batches_done(self) -> int:
        """Lightning's own count, which a restart has already corrected."""
        return (
            int(self.trainer.fit_loop.epoch_loop.batch_progress.current.ready)
            if self.trainer
            else 0
        )


def random_state() -> dict[str, Any]:
    """Of PyTorch's generators, on the CPU and on this process's GPU: training asks no others."""
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Go on from what :func:`random_state` gave."""
    torch.set_rng_state(state["cpu"].cpu())
    if torch.cuda.is_initialized() and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu())
