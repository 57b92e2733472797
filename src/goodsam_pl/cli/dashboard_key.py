"""Whether this machine has a key of W&B."""

from __future__ import annotations

import netrc
import os
from pathlib import Path

__all__ = ["has_key"]


def has_key() -> bool:
    """Look where W&B looks, without starting it: once started it keeps its mode."""
    if any(os.environ.get(name) for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")):
        return True
    named = os.environ.get("NETRC")
    paths = [Path(named)] if named else [Path.home() / name for name in (".netrc", "_netrc")]
    try:
        logins = [netrc.netrc(path).hosts for path in paths if path.is_file()]
    except (netrc.NetrcParseError, OSError):
        return True  # W&B itself will say
    # `wandb login` writes this name for every server
    return any(login == "user" for hosts in logins for login, _, _ in hosts.values())
