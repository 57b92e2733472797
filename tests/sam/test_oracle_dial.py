"""The dial of the oracle: exact at 1, worse towards 0, and nothing impossible."""

from __future__ import annotations

from itertools import pairwise

import pytest

from goodsam_pl.sam.oracle_dial import OracleDial


def test_quality_one_is_exact() -> None:
    assert OracleDial.of_quality(1.0) == OracleDial()
    assert OracleDial().as_dict() == {
        "minimum_area": 1,
        **dict.fromkeys(("merged", "split", "missed", "doubled", "grown", "shifted", "rough"), 0.0),
    }


def test_every_entry_grows_on_the_way_to_zero() -> None:
    path = [OracleDial.of_quality(quality).as_dict() for quality in (1.0, 0.7, 0.4, 0.0)]
    for better, worse in pairwise(path):
        assert all(better[name] < worse[name] for name in better)
    half, worst = OracleDial.of_quality(0.5), OracleDial.of_quality(0.0)
    assert half.rough == worst.rough / 2
    assert half.minimum_area == worst.minimum_area / 4


def test_an_entry_can_leave_the_path() -> None:
    dial = OracleDial.of_quality(1.0, missed=0.5, split=None, minimum_area=64)
    assert dial == OracleDial(minimum_area=64, missed=0.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"merged": 1.5}, r"merged is 1.5: choose a probability"),
        ({"rough": -1.0}, "rough is -1.0: choose 0 or more pixels"),
        ({"minimum_area": 0}, "minimum_area is 0: choose at least 1 pixel"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OracleDial.of_quality(0.5, **given)
    with pytest.raises(ValueError, match=r"quality is 1\.2"):
        OracleDial.of_quality(1.2)
