"""Which data a run saw, in a few words that compare."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule

from goodsam_pl.data import AdaptationDataModule, PanoramaDataModule, SourceDataModule
from goodsam_pl.files import fingerprint_of

__all__ = ["data_facts"]

_DIGITS = 12


def data_facts(data: LightningDataModule | None) -> dict[str, Any]:
    """How many images a run has, and fingerprints of them and of their masks.

    The fingerprint of a split is of the names and sizes of its files: the same wherever the folder
    lies, another when an image is added or replaced. Contents are not read.

    Args:
        data: after its ``setup``; where there are masks, after they were computed.

    Returns:
        ``dataset`` with ``images`` and ``fingerprint`` of each split; where panoramas come with
        masks, ``masks`` with the ``fingerprint`` of their store, which says who made them, and the
        ``splits``. Of an adaptation those of its target, and ``source`` with its source's. Nothing
        of a data module that is not ours.
    """
    if isinstance(data, AdaptationDataModule):
        source = data_facts(data.source).get("dataset", {})
        return data_facts(data.target) | ({"source": source} if source else {})
    if not isinstance(data, (PanoramaDataModule, SourceDataModule)):
        return {}
    listed = data.listed
    facts: dict[str, Any] = {
        "dataset": {
            split: {"images": len(files), "fingerprint": _fingerprint(files, data.root)}
            for split, files in listed.items()
        }
    }
    if isinstance(data, PanoramaDataModule):
        with_masks = [split for split in listed if data.has_masks(split)]
        if with_masks:
            store = data.describe_masks()["masks"]
            facts["masks"] = {"fingerprint": store[:_DIGITS], "splits": with_masks}
    return facts


def _fingerprint(files: Sequence[Path], root: Path) -> str:
    sizes = {os.path.relpath(file, root): _size(file) for file in files}
    return fingerprint_of(sizes)[:_DIGITS]


def _size(file: Path) -> str:
    try:
        return str(file.stat().st_size)
    except OSError:  # whoever reads the image says so
        return "unreadable"
