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
def progress_bar(
    label: str, total: int, *, visible: bool, what: str = "panoramas"
) -> Iterator[Callable[[], None]]:
    """Draw a bar with panoramas per second and the time left.

    Args:
        label: stands before it.
        total: number of panoramas.
        visible: ``False`` draws nothing.
        what: is counted, if it is no panoramas.

    Yields:
        The function that moves the bar on by one panorama.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(what),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not visible or total == 0) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


class _Speed(ProgressColumn):
    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} {self._what}/s")
