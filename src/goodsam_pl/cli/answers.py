"""What a verb has to say: lines for people, or the same as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from json import dumps
from typing import Any, NamedTuple

__all__ = ["Answer", "answer", "table"]


class Answer(NamedTuple):
    """What is printed, and how the command ends.

    Attributes:
        text: without the end of its last line.
        status: 0 where all is well.
    """

    text: str
    status: int = 0

    def __str__(self) -> str:
        return self.text


def answer(text: str, content: Mapping[str, Any], *, json: bool, status: int = 0) -> Answer:
    """Choose the form.

    Args:
        text: for people.
        content: plain values, which say the same. Paths become text, numbers that are none
            (NaN, infinity) ``null``: JSON has no word for them.
        json: whether it is ``content`` that is printed.
        status: which the command ends with, in both forms.
    """
    if not json:
        return Answer(text, status)
    plain = dumps(_plain(content), indent=2, ensure_ascii=False, default=str)
    return Answer(plain, status)


def table(rows: Mapping[str, str]) -> str:
    """A line for each row, what it is called in front."""
    longest = max(map(len, rows), default=0)
    return "\n".join(f"{name:<{longest}}  {text}".rstrip() for name, text in rows.items())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
