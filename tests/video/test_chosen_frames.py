from __future__ import annotations

import pytest

from goodsam_pl.video.chosen_frames import choose_frames, time_name

STEADY = [index / 30 for index in range(300)]
VARYING = [0.0, 0.1, 0.2, 3.7, 3.8, 4.05, 9.0]


def test_by_time():
    assert choose_frames(STEADY, 1.0) == list(range(0, 300, 30))
    assert choose_frames(STEADY, 0.5, start=9.0) == [270, 285]
    assert choose_frames(STEADY, 1.0, start=2.0, end=4.0) == [60, 90]
    assert choose_frames(STEADY, 0) == list(range(300))
    assert choose_frames(STEADY, 0.001) == list(range(300))


def test_times_that_were_rounded_are_still_theirs():
    rounded = [int(1000 * time) / 1000 for time in STEADY]
    assert choose_frames(rounded, 0.1) == list(range(0, 300, 3))


def test_a_varying_rate_is_no_matter():
    # at or after 0, 1, 2, 3 (one frame stands for three times), 4, 5 to 9
    assert choose_frames(VARYING, 1.0) == [0, 3, 5, 6]
    assert choose_frames(VARYING, 4.0) == [0, 5, 6]


def test_by_number():
    assert choose_frames(STEADY, count=3) == [50, 150, 250]
    assert choose_frames(STEADY, count=1, start=5) == [225]
    assert choose_frames(VARYING, count=100) == list(range(7))


def test_mistakes_are_told():
    with pytest.raises(ValueError, match=r"no frame from 20 s to 9\.97 s"):
        choose_frames(STEADY, start=20)
    with pytest.raises(ValueError, match="no frame from 2 s to 1 s"):
        choose_frames(STEADY, start=2, end=1)
    for wrong in ({"every": -1.0}, {"count": 0}, {"start": -1.0}):
        with pytest.raises(ValueError, match="at least 0, 1 and 0"):
            choose_frames(STEADY, **wrong)


def test_names_sort_by_time():
    assert time_name(90.5) == "00h01m30s500"
    assert time_name(3 * 3600 + 59.9996) == "03h01m00s000"
    names = [time_name(each) for each in (0, 9.999, 10, 59, 60, 3599, 3600, 36000)]
    assert names == sorted(names)
