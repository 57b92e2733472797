"""What lies in the folder of a mask store: records, and what is none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from goodsam_pl.files.claims import LOCK_SUFFIX, holder, remove_abandoned
from goodsam_pl.files.unfinished import PART_SUFFIX, writer_of

__all__ = ["RECORDS", "find_records", "find_strays", "find_unfinished", "is_key", "remove_rests"]

RECORDS = "records"
"""The folder that records lie in, in folders of 256."""

_SUFFIX = ".masks"
_OF_NOBODY = "no process of this version writes it: delete it"
_KEY = re.compile("[0-9a-f]{64}")


def is_key(text: str) -> bool:
    """Whether a text can be the key of an image."""
    return _KEY.fullmatch(text) is not None


def find_records(root: Path) -> Iterator[str]:
    """The keys of all records, in order; of regular files in their own place alone."""
    return (path.stem for path in sorted(_all_named_so(root)) if _why_stray(path, root) is None)


def find_strays(root: Path) -> dict[Path, str]:
    """What is called as a record below the folder of records and is none, and why."""
    reasons = {path: _why_stray(path, root) for path in sorted(_all_named_so(root))}
    return {path: reason for path, reason in reasons.items() if reason is not None}


def find_unfinished(root: Path) -> dict[Path, str]:
    """Files that somebody is writing, or was when he was killed, and who."""
    found = {}
    for folder in _folders(root):
        for path in sorted(folder.glob(".*")):
            if path.name.endswith(PART_SUFFIX):
                found[path] = str(writer_of(path) or _OF_NOBODY)
            elif path.name.endswith(f"{_SUFFIX}{LOCK_SUFFIX}") and path.is_file():
                name = path.name.removeprefix(".").removesuffix(LOCK_SUFFIX)
                found[path] = holder(path.with_name(name))
    return found


def remove_rests(root: Path) -> None:
    """Remove what killed processes left. Those at work are not disturbed."""
    for folder in (root, *_folders(root)):
        remove_abandoned(folder)


def _folders(root: Path) -> list[Path]:
    return sorted(root.glob(f"{RECORDS}/??"))


def _all_named_so(root: Path) -> Iterator[Path]:
    """Links to folders are not followed."""
    for folder, folders, files in os.walk(root / RECORDS, onerror=_raise):
        for name in (*folders, *files):
            if name.endswith(_SUFFIX) and not name.startswith("."):
                yield Path(folder, name)


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # of a store without any
        raise error


def _why_stray(path: Path, root: Path) -> str | None:
    if not path.is_file():
        if path.is_dir():
            return "a folder"
        return "no file, but a pipe or a device" if path.exists() else "a link that leads nowhere"
    if not is_key(path.stem):
        return "its name is no key of an image"
    own = root / RECORDS / path.stem[:2]
    return None if path.parent == own else f"its place is {RECORDS}/{own.name}/"
