from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.metrics import TaskMatrix

NAN = math.nan


def matrix(*rows, outside=()):
    domains = tuple("abcdefgh"[: len(rows)])
    return TaskMatrix(domains, tuple(outside), tuple(tuple(row) for row in rows))


BY_HAND = matrix((0.8, 0.5, 0.1), (0.6, 0.9, 0.3), (0.4, 0.7, 1.0))


def test_by_hand():
    assert BY_HAND.last() == pytest.approx((0.4 + 0.7 + 1.0) / 3)
    assert BY_HAND.average() == pytest.approx((0.8 + (0.6 + 0.9) / 2 + (0.4 + 0.7 + 1.0) / 3) / 3)
    assert BY_HAND.forgetting() == pytest.approx((0.4 + 0.2) / 2)  # of what was met before
    assert BY_HAND.average_accuracy() == BY_HAND.last()
    assert BY_HAND.forgetting_measure() == pytest.approx((0.4 + 0.2 + 0) / 3)
    assert BY_HAND.forward_transfer() == pytest.approx((0.5 + 0.3) / 2)
    assert [*BY_HAND.summary()] == ["last", "avg", "forgetting", "aa", "fm", "ft"]


@given(st.integers(2, 7), st.integers(0, 10_000))
@settings(max_examples=20)
def test_against_arrays(tasks, seed):
    values = np.random.default_rng(seed).uniform(size=(tasks, tasks))
    met = np.tril(np.ones_like(values))
    lost = np.diag(values) - values[-1]
    expected = {
        "last": values[-1].mean(),
        "avg": ((values * met).sum(axis=1) / met.sum(axis=1)).mean(),
        "forgetting": lost[:-1].mean(),
        "aa": values[-1].mean(),
        "fm": lost.mean(),
        "ft": np.diag(values, 1).mean(),
    }
    assert matrix(*values.tolist()).summary() == pytest.approx(expected)


def test_filled_row_by_row():
    filled = TaskMatrix.empty(["a", "b", "c"])
    assert all(math.isnan(score) for score in filled.summary().values())
    for task, row in enumerate(BY_HAND.values):
        filled = filled.with_scores(task, dict(zip("abc", row, strict=True)))
    assert filled == BY_HAND
    assert filled.score(1, "c") == 0.3
    assert filled.with_scores(1, {"c": 0.5}).values[1] == (0.6, 0.9, 0.5)


def test_what_is_missing_is_missed_where_it_counts():
    triangle = matrix((0.8, NAN, NAN), (0.6, 0.9, NAN), (0.4, 0.7, 1.0))
    assert triangle.average() == BY_HAND.average()
    assert triangle.forgetting() == BY_HAND.forgetting()
    assert math.isnan(triangle.forward_transfer())  # it asks for domains that were not met
    assert math.isnan(matrix((0.8, 0.1), (NAN, 0.9)).last())


def test_one_domain_cannot_be_forgotten():
    alone = matrix((0.7,))
    assert (alone.last(), alone.average(), alone.forgetting_measure()) == (0.7, 0.7, 0)
    assert math.isnan(alone.forgetting())
    assert math.isnan(alone.forward_transfer())


def test_a_domain_outside_counts_nowhere():
    beside = matrix(*((*row, 0.123) for row in BY_HAND.values), outside=["natural"])
    assert beside.summary() == BY_HAND.summary()
    assert beside.score(2, "natural") == 0.123


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="rail: twice in a sequence"):
        TaskMatrix.empty(["rail", "polyp", "rail"])
    with pytest.raises(ValueError, match="natural: twice"):
        TaskMatrix.empty(["rail", "natural"], ["natural"])
    with pytest.raises(ValueError, match="at least 1 domain"):
        TaskMatrix.empty([])
    with pytest.raises(ValueError, match=r"2 rows of 2 scores, got rows of \[2, 1\]"):
        matrix((1, 2), (1,))
    with pytest.raises(ValueError, match="task 3 is none of the 3"):
        BY_HAND.with_scores(3, {})
    with pytest.raises(ValueError, match="cat: not in this sequence, which has a, b, c"):
        BY_HAND.with_scores(0, {"cat": 1.0})
