"""Evaluation on several processes without repeating a sample."""

from __future__ import annotations

from collections.abc import Iterator, Sized

from torch.utils.data import Dataset, DistributedSampler

__all__ = ["ExactDistributedSampler"]


class ExactDistributedSampler(DistributedSampler[object]):
    """Deals batches to the processes in turn, each sample exactly once, in order.

    torch's ``DistributedSampler`` repeats samples until every process has equally many, which
    counts them twice in a score. Being one of its subclasses, ours is left in place by Lightning,
    also with ``use_distributed_sampler=True``. It deals whole batches, so that a batch holds the
    same images on any number of processes and rounds alike.

    Processes may then differ by one batch. DDP stands that: its only collective in evaluation is
    the broadcast of buffers (running statistics) before a forward, and after the first forward
    without gradients it omits it. But every process has to take part in that first one, and in
    the exchange of metrics that follows, so none may come away empty.

    Args:
        dataset: what is evaluated.
        num_replicas: number of processes.
        rank: this process.
        batch_size: samples of a batch, as given to the loader.
        allow_idle: processes may come away empty, where nothing is scored: in prediction.

    Raises:
        ValueError: fewer batches than processes.
    """

    def __init__(
        self,
        dataset: Dataset[object],
        num_replicas: int,
        rank: int,
        batch_size: int = 1,
        allow_idle: bool = False,
    ) -> None:
        super().__init__(dataset, num_replicas=num_replicas, rank=rank, shuffle=False)
        if not isinstance(dataset, Sized):
            raise TypeError(f"{type(dataset).__name__} has no length")
        starts = range(0, len(dataset), batch_size)
        if len(starts) < num_replicas and not allow_idle:
            raise ValueError(
                f"{len(dataset)} images in batches of {batch_size} cannot be shared among "
                f"{num_replicas} processes: lower data.eval_batch_size, or set trainer.devices to "
                f"at most {len(starts)}"
            )
        self._indices = [
            index
            for start in starts[rank::num_replicas]
            for index in range(start, min(start + batch_size, len(dataset)))
        ]
        self.num_samples = len(self._indices)
        self.total_size = len(dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)
