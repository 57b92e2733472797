"""What ``goodsam check-data`` found: what is wrong first, then a row for each split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from goodsam_pl.cli.answers import Answer, answer
from goodsam_pl.data.split_sums import Duplicate, SplitSums, duplicates_of

__all__ = ["tell"]

_NAMED = 50
"""Files of a kind that text names; JSON has all."""


def tell(sums: Sequence[SplitSums], *, json: bool) -> Answer:
    """Say it, with status 1 where something would stop a training or a test."""
    duplicates = duplicates_of(sums)
    stops = any(each.stops for each in sums)
    blocks = [line for each in sums for line in _wrong(each)]
    blocks += _twice("trained on and scored, the same pixels", _leaks(duplicates))
    blocks += _twice("there more than once", [each for each in duplicates if not each.is_leak])
    text = [*blocks, *([""] if blocks else []), *_summary(sums, duplicates), ""]
    text.append(
        "something would stop a training or a test: see above" if stops else "all can be read"
    )
    content = {
        "usable": not stops,
        "splits": {each.split.name: _plain(each) for each in sums},
        "leaks": _plain_duplicates(_leaks(duplicates)),
        "duplicates": _plain_duplicates([each for each in duplicates if not each.is_leak]),
    }
    return answer("\n".join(text), content, json=json, status=int(stops))


def _leaks(duplicates: Sequence[Duplicate]) -> list[Duplicate]:
    return [each for each in duplicates if each.is_leak]


def _wrong(sums: SplitSums) -> Iterator[str]:
    """All about a split that is not as it should be."""
    name, found = sums.split.name, sums.split.found
    if found.absent is not None and sums.split.is_trained_on:
        yield f"{name}: {found.absent}"
    yield from (f"{name}: {fault}" for fault in [*found.faults, *sums.rehearsed])
    faults = [f"  {fault.kind:<8}{fault.message}" for fault in sums.faults]
    if faults:
        at_fault = sum(bool(each.faults) for each in sums.looked)
        yield f"{name}: {at_fault} of {len(sums.looked)} images cannot be used"
        yield from _some(faults)
    if void := sums.without_class():
        yield f"{name}: {len(void)} labels are void everywhere"
        yield from _some([f"  {path}" for path in void])
    if notes := [f"  {note}" for each in sums.looked for note in each.notes]:
        yield f"{name}: worth a look"
        yield from _some(notes)


def _twice(title: str, duplicates: Sequence[Duplicate]) -> Iterator[str]:
    if duplicates:
        yield f"{title}: {len(duplicates)}"
        yield from _some(
            [
                "  " + " = ".join(f"{name} {path}" for name, path in each.files)
                for each in duplicates
            ]
        )


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_NAMED]
    if len(lines) > _NAMED:
        yield f"  and {len(lines) - _NAMED} more: --json has all"


def _summary(sums: Sequence[SplitSums], duplicates: Sequence[Duplicate]) -> Iterator[str]:
    """A table."""
    rows: list[tuple[str, ...]] = [("split", "images", "labelled", "faults", "twice", "void", "")]
    for each in sums:
        found = each.split.found
        if each.same_as is not None or found.absent is not None:
            why = f"the files of {each.same_as}" if each.same_as else "there is none"
            rows.append((each.split.name, str(len(found.entries)), "", "", "", "", why))
            continue
        void = "" if each.void is None else f"{each.void:.1%}"
        faults = len(found.faults) + len(each.faults) + len(each.rehearsed)
        counts = (len(found.entries), each.labelled, faults, _twice_in(each, duplicates))
        unseen = [name for name, share in each.shares.items() if not share] if each.labelled else []
        never = f"never labelled: {', '.join(unseen)}" if unseen else ""
        rows.append((each.split.name, *map(str, counts), void, never))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        first, *numbers = (
            cell.ljust(widths[0]) if not place else cell.rjust(widths[place])
            for place, cell in enumerate(row[:6])
        )
        yield "  ".join([first, *numbers, row[6]]).rstrip()


def _twice_in(sums: SplitSums, duplicates: Sequence[Duplicate]) -> int:
    return sum(name == sums.split.name for each in duplicates for name, _ in each.files)


def _plain(sums: SplitSums) -> dict[str, Any]:
    found = sums.split.found
    return {
        "images": len(found.entries),
        "absent": found.absent,
        "same_as": sums.same_as,
        "labelled": sums.labelled,
        "list_faults": list(found.faults),
        "transform_faults": sums.rehearsed,
        "faults": [each._asdict() for each in sums.faults],
        "notes": [note for each in sums.looked for note in each.notes],
        "void": sums.void,
        "without_class": sums.without_class(),
        "classes": sums.shares if sums.labelled else {},
        "files": [
            {
                "image": entry.image,
                "label": entry.label,
                "size": looked.size,
                "void": looked.void,
                "faults": [fault.kind for fault in looked.faults],
                "pixels_sha256": looked.content,
            }
            for entry, looked in zip(found.entries, sums.looked, strict=False)
        ],
    }


def _plain_duplicates(duplicates: Sequence[Duplicate]) -> list[list[dict[str, Any]]]:
    return [[{"split": name, "image": path} for name, path in each.files] for each in duplicates]
