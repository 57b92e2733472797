"""Reading and writing files safely, for everyone; nothing here knows what is in them."""

from __future__ import annotations

from goodsam_pl.files.content_keys import ChangedFileError, ContentKeys, content_key
from goodsam_pl.files.known import KnownFiles, Stamp
from goodsam_pl.files.regular import open_regular, read_regular
from goodsam_pl.files.section import Section, read_mapping
from goodsam_pl.files.write_errors import write_errors_explained
from goodsam_pl.files.yaml_text import load_yaml

__all__ = [
    "ChangedFileError",
    "ContentKeys",
    "KnownFiles",
    "Section",
    "Stamp",
    "content_key",
    "load_yaml",
    "open_regular",
    "read_mapping",
    "read_regular",
    "write_errors_explained",
]
