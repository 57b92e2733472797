"""A bar for long work on panoramas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(label: str, total: int, *, visible: bool) -> Iterator[Callable[[], None]]:
    """Draw a bar with panoramas per second and the time left.

    Args:
        label: stands before it.
        total: number of panoramas.
        visible: ``False`` draws nothing.

    Yields:
        The function that moves the bar on by one panorama.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not visible or total == 0) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} panoramas/s")
