"""The ``lightning`` command, so that ``lightning fit --config …`` works as it reads.

Lightning 2.5.1 and newer installs no such command; the optional package ``lightning-sdk`` does, for
its cloud. We answer to our verbs and hand everything else over untouched. Standard library only:
asking for another program's help must not wait for torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence

from goodsam_pl.cli import is_ours
from goodsam_pl.cli import main as goodsam

__all__ = ["main"]

USAGE = """\
usage: lightning <verb> [--config FILE.yaml] [options]

This `lightning` belongs to goodsam_pl; `goodsam --help` lists its verbs.
"""


def main(args: Sequence[str] | None = None) -> object:
    """Run one of our verbs, or lightning-sdk's command where that package is installed.

    Args:
        args: the words after ``lightning``; ``None`` takes them from ``sys.argv``.

    Raises:
        SystemExit: with status 2 for a verb that nobody knows.
    """
    words = sys.argv[1:] if args is None else list(args)
    if words and is_ours(words[0]):
        goodsam(args)
        return None
    if importlib.util.find_spec("lightning_sdk") is not None:
        return importlib.import_module("lightning_sdk.cli.entrypoint").main_cli()
    sys.stderr.write(USAGE)
    raise SystemExit(2)
