"""Where instances are clicked, and the part under a click."""

from __future__ import annotations

import numpy as np

from goodsam_pl.data.clicks import clicked_parts, draw_clicks


def test_clicks_find_every_object_that_is_large_enough() -> None:
    instances = np.broadcast_to(np.repeat(np.arange(6, dtype=np.int16), 32), (192, 192)).copy()
    instances[50:53, 10:13] = 6
    rows, columns = draw_clicks(instances, 500, np.random.default_rng(1))
    counts = np.bincount(instances[rows, columns], minlength=7)
    assert (counts[:6] > 40).all()
    assert counts[6] == 0


def test_a_part_is_what_hangs_together_with_the_click_corners_too() -> None:
    instances = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]], dtype=np.int16)
    parts = clicked_parts(instances, np.array([0, 2]), np.array([0, 3]))
    assert parts[0].astype(int).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert parts[1].astype(int).tolist() == [[0, 0, 0, 1]] * 3
