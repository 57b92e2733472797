"""A bar counts panoramas, tells their speed, and is silent where it should be."""

from __future__ import annotations

import pytest
import rich

from goodsam_pl.files.progress import progress_bar


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass as the test says."""
    now = [0.0]
    monkeypatch.setattr(rich.get_console(), "get_time", lambda: now[0])
    return now


def test_it_counts_and_tells_the_speed(capsys, clock):
    with progress_bar("masks", 4, visible=True) as advance:
        for _ in range(4):
            clock[0] += 0.5
            advance()
    shown = capsys.readouterr().out
    assert "masks" in shown
    assert "4/4" in shown
    assert "2.00 panoramas/s" in shown


def test_it_stays_where_the_work_stopped(capsys, clock):
    with progress_bar("masks", 4, visible=True) as advance:
        advance()
    shown = capsys.readouterr().out
    assert "1/4" in shown
    assert "panoramas/s" not in shown  # of one alone there is no speed


@pytest.mark.parametrize(("total", "visible"), [(2, False), (0, True)])
def test_nothing_is_drawn(capsys, total, visible):
    with progress_bar("masks", total, visible=visible) as advance:
        for _ in range(total):
            advance()
    assert capsys.readouterr() == ("", "")
