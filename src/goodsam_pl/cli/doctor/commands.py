"""Whose commands ``goodsam`` and ``lightning`` are, where a shell looks for them.

lightning-sdk installs a ``lightning`` of its own into the same place, and another environment may
come first on PATH: then ``lightning fit`` is not ours.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from importlib.metadata import entry_points
from pathlib import Path

from goodsam_pl.cli.doctor.findings import Finding, Section

__all__ = ["commands"]

_MARKS = {"goodsam": "goodsam_pl", "lightning": "goodsam_pl"}
_INSTEAD = "`goodsam fit` and `python -m goodsam_pl fit` do the same as `lightning fit`"


def commands(scripts: Path | None = None) -> Section:
    """Look at both commands.

    Args:
        scripts: folder of this environment's commands; the interpreter's own if none is named.
    """
    folder = scripts or Path(sysconfig.get_path("scripts"))
    rows, content, findings = {}, {}, []
    for name, mark in _MARKS.items():
        own = shutil.which(name, path=str(folder))
        first = shutil.which(name)
        owner = _owner(own, mark)
        claimed = sorted(
            {
                each.dist.name
                for each in entry_points(group="console_scripts", name=name)
                if each.dist
            }
        )
        elsewhere = first is not None and own is not None and not _same(first, own)
        rows[name] = f"{first or 'not on PATH'}" + (f", here it is {own}" if elsewhere else "")
        rows[name] += f" ({owner})" if own else ""
        content[name] = {
            "on_path": first,
            "of_this_environment": own,
            "ours": owner == "ours",
            "claimed_by": claimed,
        }
        if own is not None and owner == "of another package":
            others = (
                ", ".join(each for each in claimed if each != "goodsam_pl") or "another package"
            )
            findings.append(
                Finding(
                    f"{own} is not ours, {others} has put its own there",
                    f"install goodsam_pl again, last: {sys.executable} -m pip install "
                    f"--force-reinstall --no-deps goodsam_pl; {_INSTEAD}",
                )
            )
        elif own is None or first is None:
            findings.append(
                Finding(
                    f"there is no command {name} on PATH",
                    f"activate the environment (source {folder}/activate); {_INSTEAD}",
                    is_broken=False,
                )
            )
        elif elsewhere:
            findings.append(
                Finding(
                    f"{name} is {first} in this shell, that of this environment is {own}",
                    f"activate the environment (source {folder}/activate); {_INSTEAD}",
                    is_broken=False,
                )
            )
    return Section("commands", rows, content, findings)


def _owner(script: str | None, mark: str) -> str:
    """A console script is a small text; on Windows a program that ends with that text."""
    if script is None:
        return "nobody's"
    return "ours" if mark.encode() in Path(script).read_bytes() else "of another package"


def _same(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()
