"""Numbers that say what Cityscapes says, and numbers that say nothing."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld import SPLITS, make_city, view
from goodsam_pl.streetworld.label_encodings import anonymous_instances, label_ids


def test_train_ids_become_label_ids_and_void_none() -> None:
    assert label_ids(np.array([[0, 13, 255]], dtype=np.uint8)).tolist() == [[7, 26, 0]]


def test_anonymous_numbers_are_a_shuffle_of_the_instances_without_gaps() -> None:
    seed = SPLITS["sam_test"][0]
    seen = view(seed, make_city("target"), "equirectangular")
    numbers = anonymous_instances(seen, seed)
    pairs = np.unique(np.stack([seen.instance.ravel(), numbers.ravel()]), axis=1)
    instances = np.unique(seen.instance)
    assert pairs.shape[1] == len(instances)  # one number each
    assert sorted(pairs[1]) == list(range(len(instances)))
    assert pairs[1].tolist() != sorted(pairs[1])
    assert np.array_equal(anonymous_instances(seen, seed), numbers)
    assert not np.array_equal(anonymous_instances(seen, seed + 1), numbers)
