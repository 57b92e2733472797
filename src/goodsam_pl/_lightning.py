"""The ``lightning`` command, so that ``lightning fit --config …`` works as it reads.

Lightning 2.5.1 and newer installs no such command; the optional package ``lightning-sdk`` does, for
its cloud. Where that is installed we answer to our verbs and hand everything else over untouched,
help and version, too. Standard library only: asking for help must not wait for torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence

from goodsam_pl.cli import is_ours
from goodsam_pl.cli import main as goodsam

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> object:
    """Run ``goodsam``; for words not ours lightning-sdk's command, where that is installed.

    Args:
        args: the words after ``lightning``; ``None`` takes them from ``sys.argv``.

    Raises:
        SystemExit: with status 2 when the command or the data it names is wrong.
    """
    words = sys.argv[1:] if args is None else list(args)
    theirs = not (words and is_ours(words[0]))
    if theirs and importlib.util.find_spec("lightning_sdk") is not None:
        return importlib.import_module("lightning_sdk.cli.entrypoint").main_cli()
    goodsam(args)
    return None
