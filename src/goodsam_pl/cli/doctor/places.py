"""Folders that are written to, and where W&B's runs go."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from goodsam_pl.cli.dashboard_key import has_key
from goodsam_pl.cli.doctor.findings import Finding, Section

if sys.platform != "win32":
    import fcntl

__all__ = ["dashboard", "has_locks", "places"]

_LITTLE = 3e9
"""Bytes; the largest checkpoint of SAM takes 2.6e9."""


def dashboard() -> Section:
    """What W&B would do, from what is set here; the network is not asked."""
    mode = os.environ.get("WANDB_MODE")
    key = has_key()
    said = f"WANDB_MODE={mode}" if mode else "as the configuration says"
    rows = {"W&B": f"{said}, {'an API key' if key else 'no API key: offline, or `wandb login`'}"}
    server = os.environ.get("WANDB_BASE_URL")
    if server:
        rows["server"] = server
    return Section("dashboard", rows, {"mode": mode, "key": key, "server": server})


def places(cache: Path | None = None) -> Section:
    """Free room and locks, of this folder and of the cache of weights."""
    chosen = os.environ.get("GOODSAM_CACHE")
    cache = cache or Path(chosen or _torch_cache()).expanduser()
    rows, content, findings = {}, {}, []
    for name, folder in {"this folder": Path.cwd(), "cache": cache}.items():
        there = next(each for each in (folder, *folder.parents) if each.exists())
        free, locks = shutil.disk_usage(there).free, has_locks(there)
        rows[name] = f"{folder}, {free / 1e9:.1f} GB free"
        content[name.replace(" ", "_")] = {"folder": folder, "free_bytes": free, "locks": locks}
        way_out = "set GOODSAM_CACHE to another folder" if name == "cache" else "run elsewhere"
        if not os.access(there, os.W_OK):
            findings.append(Finding(f"{there} cannot be written to", way_out, is_broken=False))
        elif not locks:
            told = f"{there} has no file locks: two processes may do the same work"
            findings.append(Finding(told, way_out, is_broken=False))
        if free < _LITTLE:
            told = f"{there} has {free / 1e9:.1f} GB left, a checkpoint of SAM takes up to 2.6"
            findings.append(Finding(told, f"make room, or {way_out}", is_broken=False))
    return Section("folders", rows, content, findings)


def has_locks(folder: Path) -> bool | None:
    """Whether files in a folder can be locked; ``None`` where that cannot be tried."""
    if sys.platform == "win32":
        return None
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed below
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _torch_cache() -> str:
    """As torch.hub has it."""
    home = os.environ.get("TORCH_HOME")
    if home is None:
        home = f"{os.environ.get('XDG_CACHE_HOME', '~/.cache')}/torch"
    return f"{home}/hub/checkpoints"
