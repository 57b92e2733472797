"""Reading and writing files safely, for everyone; nothing here knows what is in them.

What is exported here needs the standard library alone, so that the command line answers at once.
"""

from __future__ import annotations

from goodsam_pl.files.content_keys import ChangedFileError, ContentKeys, content_key
from goodsam_pl.files.known_files import KnownFiles, Stamp
from goodsam_pl.files.regular import open_regular, read_regular
from goodsam_pl.files.write_errors import write_errors_explained

__all__ = [
    "ChangedFileError",
    "ContentKeys",
    "KnownFiles",
    "Stamp",
    "content_key",
    "open_regular",
    "read_regular",
    "write_errors_explained",
]
