"""The command line: ``goodsam <verb>``.

Only the standard library is imported before the verb is known, so that ``goodsam --help`` answers
at once.
"""

from __future__ import annotations

from goodsam_pl.cli.entry import is_ours, main

__all__ = ["is_ours", "main"]
