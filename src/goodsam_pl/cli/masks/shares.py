"""Which share of a folder a process does."""

from __future__ import annotations

import os
import re

__all__ = ["share_of"]

_TORCHRUN = (("RANK", 0), ("WORLD_SIZE", 1))


def share_of(shard: str | None) -> tuple[int, int]:
    """Which of how many processes this is, from 0: as ``--shard`` says, or torchrun.

    Args:
        shard: ``"i/n"``, i from 1 to n.

    Raises:
        ValueError: it is none, or torchrun shares the work already.
    """
    rank, processes = (int(os.environ.get(name, alone)) for name, alone in _TORCHRUN)
    if shard is None:
        return rank, processes
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    number, shards = (int(each) for each in match.groups()) if match else (0, 0)
    if not 1 <= number <= shards:
        raise ValueError(f"shard is {shard!r}: give i/n with i from 1 to n, as 1/4")
    if processes > 1:
        raise ValueError("torchrun shares the images already: leave out --shard")
    return number - 1, shards
