"""What label files of GTA5 (Playing for Data, arXiv 1608.02192) mean.

A label file has the size of its image, but for a few that differ by some pixels, and holds
Cityscapes' labelIds from 0 to 34 as palette indices; 34 is the licence plate, which Cityscapes'
own files have as -1. Copies exist whose labels are the colours of that palette.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.labels import LabelFormat
from goodsam_pl.taxonomy import CITYSCAPES_TRAIN_IDS, IGNORE_INDEX, get_taxonomy

__all__ = ["GTA5_IDS"]

_VOID_COLORS = {
    (0, 0, 0): 0,
    (20, 20, 20): 4,
    (111, 74, 0): 5,
    (81, 0, 81): 6,
    (250, 170, 160): 9,
    (230, 150, 140): 10,
    (180, 165, 180): 14,
    (150, 100, 100): 15,
    (150, 120, 90): 16,
    (0, 0, 90): 29,
    (0, 0, 110): 30,
}
"""Colours of labelIds that are not evaluated: unlabeled and three like it, static, dynamic, ground,
parking, rail track, guard rail, bridge, tunnel, caravan, trailer."""


def _label_ids_of_colors() -> dict[int, int]:
    """LabelIds by colour, packed as 65536 · red + 256 · green + blue."""
    colors = dict(_VOID_COLORS)
    of_train_ids = {int(train_id): place for place, train_id in enumerate(CITYSCAPES_TRAIN_IDS)}
    for train_id, color in enumerate(get_taxonomy("cityscapes-19").palette):
        colors[color] = of_train_ids[train_id]
    return {(red << 16) + (green << 8) + blue: each for (red, green, blue), each in colors.items()}


def _read_ids(path: Path) -> npt.NDArray[np.uint8]:
    """Read labelIds ``(H, W)``, from ids or from colours.

    In colours a licence plate is a car's, and a group of poles a pole's.

    Raises:
        ValueError: colours that no class has, or as of :func:`goodsam_pl.data.read_label`.
    """
    with open_image(path) as file:
        if not file.is_colored:
            return file.ids()
        pixels = file.pixels().astype(np.uint32)
    packed = (pixels[..., 0] << 16) + (pixels[..., 1] << 8) + pixels[..., 2]
    found, places = np.unique(packed, return_inverse=True)
    known = _label_ids_of_colors()
    ids = np.array([known.get(int(each), IGNORE_INDEX) for each in found], np.uint8)
    labels: npt.NDArray[np.uint8] = ids[places.reshape(packed.shape)]
    if unknown := [int(each) for each in found if int(each) not in known]:
        count = int((labels == IGNORE_INDEX).sum())
        named = ", ".join(str((each >> 16, each >> 8 & 255, each & 255)) for each in unknown[:4])
        raise ValueError(
            f"{path}: {count} pixels have the colour {named}, which no class of GTA5 has: take the "
            "label as it was released, with ids as palette indices"
        )
    return labels


GTA5_IDS = LabelFormat(
    "GTA5 (labelIds of Cityscapes)",
    "cityscapes-19",
    {**{place: int(CITYSCAPES_TRAIN_IDS[place]) for place in range(34)}, 34: IGNORE_INDEX},
    decode=_read_ids,
    size_tolerance=16,
)
"""0 to 34, of which 19 classes are evaluated. 255 is not among them, so that files of trainIds are
told from files of labelIds. Labels may be 16 pixels larger or smaller than images, our choice."""
