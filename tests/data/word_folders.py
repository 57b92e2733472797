"""Things of panoramas, written down as ``goodsam label`` does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from goodsam_pl.files import content_key
from goodsam_pl.masks.coco import compress_counts, counts_of

Drawn = list[tuple[str, float, np.ndarray]]
"""Class, score and mask of each thing."""


def write_things(
    root: Path, name: str, image: Path, things: Drawn, words: tuple[str, ...] = ("pole", "rider")
) -> Path:
    """The record of an image; of the same folder as before, or of a new one."""
    record = {
        "fingerprint": "of this run",
        "size": list(things[0][2].shape),
        "sha256": content_key(image),
        "things": [
            {
                "class": category,
                "score": score,
                "segmentation": {
                    "size": list(mask.shape),
                    "counts": compress_counts(counts_of(mask)),
                },
            }
            for category, score, mask in things
        ],
    }
    path = root / "things" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    about = {"fingerprint": "of this run", "identity": {"words": {each: [each] for each in words}}}
    (root / "labels.json").write_text(json.dumps(about))
    return path


def stripe(left: int, right: int, size: tuple[int, int] = (24, 128)) -> np.ndarray:
    """A mask of some columns; a right end before the left one goes on across the seam."""
    columns = np.arange(size[1])
    inside = (columns >= left) & (columns < right)
    if right < left:
        inside = (columns >= left) | (columns < right)
    return np.broadcast_to(inside, size).copy()
