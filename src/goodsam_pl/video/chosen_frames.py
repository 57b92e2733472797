"""Which frames of a film are taken."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

__all__ = ["choose_frames", "time_name"]

_SLACK = 5e-4
"""Seconds by which frames may be early: times are rounded in many films."""


def choose_frames(
    times: Sequence[float],
    every: float | None = 1.0,
    count: int | None = None,
    start: float = 0.0,
    end: float | None = None,
) -> list[int]:
    """Choose frames by time, so that it does not matter how many there are a second.

    Args:
        times: when each frame is shown, seconds, ascending.
        every: seconds from one to the next: the first frame at or after each of these times; 0 for
            every frame.
        count: so many, spread evenly over the time, instead.
        start: from this time on.
        end: up to this time, not included; ``None`` is the end of the film.

    Returns:
        Their places, ascending, each once.

    Raises:
        ValueError: negative times, or no frame in between.
    """
    if (every is not None and every < 0) or start < 0 or (count is not None and count < 1):
        raise ValueError(f"every {every}, count {count}, start {start:g}: at least 0, 1 and 0")
    first = bisect_left(times, start - _SLACK)
    last = len(times) if end is None else bisect_left(times, end - _SLACK)
    if first >= last:
        until = f"{times[-1]:.2f} s, when the last one is shown" if end is None else f"{end:g} s"
        raise ValueError(f"no frame from {start:g} s to {until}: choose other times")
    if count is not None:
        places = [first + (2 * k + 1) * (last - first) // (2 * count) for k in range(count)]
        return sorted(set(places))
    if not every:
        return list(range(first, last))
    chosen: list[int] = []
    step = 0
    while (place := bisect_left(times, start + step * every - _SLACK)) < last:
        if not chosen or place > chosen[-1]:
            chosen.append(place)
        # on to the first time that this frame does not stand for
        step = max(step + 1, int((times[place] - start) / every) + 1)
    return chosen


def time_name(seconds: float) -> str:
    """A time as names of files have it, so that they sort by it: ``00h01m30s500``."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}h{minutes:02}m{rest // 1000:02}s{rest % 1000:03}"
