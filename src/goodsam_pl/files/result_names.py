"""How files are called that belong to an image: after its path below its folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["file_name"]

_LONGEST = 255
"""Bytes of a file's name on most file systems."""


def file_name(name: str, suffix: str) -> str:
    """The path of what belongs to an image, below the folder of its kind.

    Args:
        name: the image's path below its folder, without suffix.
        suffix: of the file, with its dot.

    Returns:
        ``name + suffix``. Where that is longer than file systems take, the end of the name gives
        way to a part of its hash.

    Raises:
        ValueError: a name that leads out of the folder.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"the image name {name!r} leads out of the output folder")
    folder, slash, last = name.rpartition("/")
    encoded = os.fsencode(last)
    if len(encoded) + len(suffix) > _LONGEST:
        digest = hashlib.sha256(encoded).hexdigest()[:8]
        kept = encoded[: _LONGEST - len(suffix) - len(digest) - 1]
        last = f"{kept.decode(errors='ignore')}~{digest}"
    return f"{folder}{slash}{last}{suffix}"
