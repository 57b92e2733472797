"""Evaluation on several processes without repeating a sample."""

from __future__ import annotations

from collections.abc import Iterator, Sized

from torch.utils.data import Dataset, DistributedSampler

__all__ = ["ExactDistributedSampler"]


class ExactDistributedSampler(DistributedSampler[object]):
    """Deals the samples of a set to the processes in turn, each exactly once, in order.

    torch's ``DistributedSampler`` repeats samples until every process has equally many, which
    counts them twice in a score. Being one of its subclasses, ours is left in place by Lightning,
    also with ``use_distributed_sampler=True``.

    Processes may then differ by one sample, hence by one batch. DDP stands that: its only
    collective in evaluation is the broadcast of buffers (running statistics) before a forward,
    and after the first forward without gradients it omits it. But every process has to take part
    in that first one, and in the exchange of metrics that follows, so none may come away empty.

    Args:
        dataset: what is evaluated.
        num_replicas: number of processes.
        rank: this process.

    Raises:
        ValueError: fewer samples than processes.
    """

    def __init__(self, dataset: Dataset[object], num_replicas: int, rank: int) -> None:
        super().__init__(dataset, num_replicas=num_replicas, rank=rank, shuffle=False)
        if not isinstance(dataset, Sized):
            raise TypeError(f"{type(dataset).__name__} has no length")
        if len(dataset) < num_replicas:
            raise ValueError(
                f"{len(dataset)} images cannot be shared among {num_replicas} processes: set "
                f"trainer.devices to at most {len(dataset)}"
            )
        self._indices = range(rank, len(dataset), num_replicas)
        self.num_samples = len(self._indices)
        self.total_size = len(dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)
