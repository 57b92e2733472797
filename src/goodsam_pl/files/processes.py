"""Reading every file once, however many processes want to know it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist

from goodsam_pl.files.content_keys import ContentKeys
from goodsam_pl.files.known_files import KnownFiles
from goodsam_pl.files.progress import progress_bar

__all__ = ["learn_from_each_other", "learn_together"]


def learn_together(keys: ContentKeys, files: Sequence[Path]) -> None:
    """Know the keys of files in every process of a training; each is read by one of them.

    All processes have to call this, with the same files. What cannot be read is left out: whoever
    asks for its key is told.
    """
    rank, processes = (dist.get_rank(), dist.get_world_size()) if _are_several() else (0, 1)
    own = keys.unknown(files[rank::processes])
    with progress_bar("reading new files", len(own), visible=rank == 0 and len(own) > 1) as on:
        keys.learn(own, on)
    learn_from_each_other(keys.known)


def learn_from_each_other(known: KnownFiles) -> None:
    """Tell all processes of a training what each has learned, and write it down once.

    All processes have to call this, and wait here for each other.
    """
    if not _are_several():
        known.save()
        return
    learned: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(learned, known.learned)
    for part in learned:
        known.absorb(part)
    if dist.get_rank() == 0:
        known.save()


def _are_several() -> bool:
    return dist.is_available() and dist.is_initialized()
