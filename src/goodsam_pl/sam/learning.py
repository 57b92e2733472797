"""Reading every file once, however many processes want to know it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist

from goodsam_pl.files import ContentKeys
from goodsam_pl.sam.progress import progress_bar

__all__ = ["learn_together"]


def learn_together(keys: ContentKeys, files: Sequence[Path]) -> None:
    """Know the keys of files in every process of a training; each is read by one of them.

    All processes have to call this, with the same files. What cannot be read is left out: whoever
    asks for its key is told.
    """
    together = dist.is_available() and dist.is_initialized()
    rank, processes = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)
    own = keys.unknown(files[rank::processes])
    with progress_bar("reading new files", len(own), visible=rank == 0 and len(own) > 1) as on:
        keys.learn(own, on)
    if together:
        learned: list[Any] = [None] * processes
        dist.all_gather_object(learned, keys.known.learned)
        for part in learned:
            keys.known.absorb(part)
    if rank == 0:
        keys.save()
