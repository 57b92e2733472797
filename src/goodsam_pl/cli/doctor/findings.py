"""What the parts of ``goodsam doctor`` find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Finding", "Section"]


class Finding(NamedTuple):
    """Something that is not as it should be.

    Attributes:
        what: it is.
        way_out: what to do.
        is_broken: something that is needed does not work; else it is worth knowing.
    """

    what: str
    way_out: str
    is_broken: bool = True


class Section(NamedTuple):
    """One part of the answer.

    Attributes:
        name: of the part.
        rows: for people.
        content: the same as plain values.
        findings: what is wrong.
    """

    name: str
    rows: Mapping[str, str]
    content: Any
    findings: Sequence[Finding] = ()
