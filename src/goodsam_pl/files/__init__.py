"""Reading and writing files safely, for everyone; nothing here knows what is in them."""

from __future__ import annotations

from goodsam_pl.files.content_keys import ChangedFileError, ContentKeys, content_key
from goodsam_pl.files.known import KnownFiles, Stamp
from goodsam_pl.files.section import Section, read_mapping
from goodsam_pl.files.write_errors import write_errors_explained

__all__ = [
    "ChangedFileError",
    "ContentKeys",
    "KnownFiles",
    "Section",
    "Stamp",
    "content_key",
    "read_mapping",
    "write_errors_explained",
]
