"""Reading and writing files safely, for everyone; nothing here knows what is in them."""

from __future__ import annotations

from goodsam_pl.files.section import Section, read_mapping

__all__ = ["Section", "read_mapping"]
