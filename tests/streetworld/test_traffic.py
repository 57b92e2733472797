from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goodsam_pl.streetworld.traffic import Occupied

CIRCLES = st.tuples(st.floats(-40, 40), st.floats(-20, 20), st.floats(0.1, 2.9))


@given(st.lists(CIRCLES, max_size=60))
def test_taken_circles_never_overlap_and_free_ones_are_granted(circles):
    taken, granted = Occupied(), []
    for x, y, radius in circles:
        free = all((x - a) ** 2 + (y - b) ** 2 >= (radius + c) ** 2 for a, b, c in granted)
        assert taken.claim(x, y, radius) == free
        if free:
            granted.append((x, y, radius))
