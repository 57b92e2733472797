"""Labels and instances of a view as the files of an export hold them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.rendering import View
from goodsam_pl.taxonomy import CITYSCAPES_TRAIN_IDS

__all__ = ["anonymous_instances", "instance_ids", "label_ids"]

_COUNTABLE = range(11, 19)
"""TrainIds of people and vehicles, which Cityscapes counts."""


def instance_ids(view: View) -> NDArray[np.uint16]:
    """Instances in the encoding of Cityscapes.

    Returns:
        ``(H, W)``: ``1000 · labelId + n`` for people and vehicles, n counted from 0 within the
        class and image, and the labelId alone everywhere else.
    """
    encoded = label_ids(view.label).astype(np.uint16)
    for train_id in _COUNTABLE:
        for number, instance in enumerate(np.unique(view.instance[view.label == train_id])):
            mask = (view.label == train_id) & (view.instance == instance)
            encoded[mask] = 1000 * encoded[mask] + number
    return encoded


def anonymous_instances(view: View, seed: int) -> NDArray[np.uint16]:
    """Instances and regions of stuff under numbers that mean nothing, not even an order.

    Args:
        view: of the scene.
        seed: of the scene.

    Returns:
        ``(H, W)``: numbers from 0 on without gaps.
    """
    ids, dense = np.unique(view.instance, return_inverse=True)
    order = np.random.default_rng([seed, 8]).permutation(len(ids)).astype(np.uint16)
    return order[dense.reshape(view.instance.shape)]


def label_ids(label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """TrainIds to Cityscapes labelIds; void becomes 0, "unlabeled"."""
    table = np.zeros(256, dtype=np.uint8)
    for label_id, train_id in enumerate(CITYSCAPES_TRAIN_IDS):
        if train_id != 255:
            table[train_id] = label_id
    return table[label]
