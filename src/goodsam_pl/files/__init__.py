"""Reading and writing files safely, for everyone; nothing here knows what is in them."""

from __future__ import annotations

from goodsam_pl.files.content_keys import ContentKeys, content_key
from goodsam_pl.files.known import KnownFiles, Stamp
from goodsam_pl.files.section import Section, read_mapping

__all__ = ["ContentKeys", "KnownFiles", "Section", "Stamp", "content_key", "read_mapping"]
