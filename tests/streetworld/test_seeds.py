from __future__ import annotations

from itertools import combinations

from goodsam_pl.streetworld.seeds import SPLITS, Dice


def test_splits_are_disjoint():
    assert set(SPLITS) == {"train", "val", "test", "pretrain", "sam_train", "sam_test"}
    for first, second in combinations(SPLITS.values(), 2):
        assert first.stop <= second.start or second.stop <= first.start


def test_dice_repeat_themselves_and_differ_between_seeds_and_streams():
    def throw(seed, stream):
        dice = Dice(seed, stream)
        return [dice.random() for _ in range(1000)]

    assert throw(3, 1) == throw(3, 1)
    assert len({tuple(throw(seed, stream)) for seed in range(3) for stream in range(3)}) == 9


def test_dice_keep_within_their_ranges():
    dice = Dice(0, 0)
    assert {dice.integer(2, 4) for _ in range(200)} == {2, 3, 4}
    assert {dice.pick("abc") for _ in range(200)} == set("abc")
    assert {dice.sign() for _ in range(50)} == {1.0, -1.0}
    assert all(-2 <= dice.uniform(-2, 5) < 5 for _ in range(200))


def test_weights_are_probabilities():
    dice = Dice(1, 0)
    counts = [0, 0, 0]
    for _ in range(6000):
        counts[dice.weighted((1.0, 0.0, 3.0))] += 1
    assert counts[1] == 0
    assert abs(counts[2] / 6000 - 0.75) < 0.03
    assert abs(sum(dice.chance(0.2) for _ in range(6000)) / 6000 - 0.2) < 0.03
