"""Whose commands ``goodsam`` and ``lightning`` are, where a shell looks for them.

lightning-sdk installs a ``lightning`` of its own into the same place, and another environment may
come first on PATH: then ``lightning fit`` is not ours.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from goodsam_pl.cli.doctor.findings import Finding, Section

__all__ = ["commands"]

_MARKS = {"goodsam": "goodsam_pl", "lightning": "goodsam_pl"}
_OURS, _OTHERS = "ours", "of another package"
_INSTEAD = "`goodsam fit` and `python -m goodsam_pl fit` do the same as `lightning fit`"


def commands(scripts: Path | None = None) -> Section:
    """Look at both commands.

    Args:
        scripts: folder of this environment's commands; the interpreter's own if none is named.
    """
    folder = scripts or Path(sysconfig.get_path("scripts"))
    found = [_look_for(name, mark, folder) for name, mark in _MARKS.items()]
    return Section(
        "commands",
        {each.name: each.told for each in found},
        {each.name: each.plain for each in found},
        [finding for each in found if (finding := _finding(each, folder)) is not None],
    )


@dataclass(frozen=True)
class _Command:
    """A command, and where it is.

    Attributes:
        name: of the command.
        first: what a shell runs by that name; ``None`` where it finds nothing.
        own: that of this environment, if there is one.
        owner: whose that is.
        claimed_by: packages that install a command of this name.
    """

    name: str
    first: str | None
    own: str | None
    owner: str
    claimed_by: list[str]

    @property
    def is_elsewhere(self) -> bool:
        """Whether a shell runs that of another environment."""
        if self.first is None or self.own is None:
            return False
        return Path(self.first).resolve() != Path(self.own).resolve()

    @property
    def told(self) -> str:
        """For people."""
        here = f", here it is {self.own}" if self.is_elsewhere else ""
        owner = f" ({self.owner})" if self.own else ""
        return f"{self.first or 'not on PATH'}{here}{owner}"

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "on_path": self.first,
            "of_this_environment": self.own,
            "ours": self.owner == _OURS,
            "claimed_by": self.claimed_by,
        }


def _look_for(name: str, mark: str, folder: Path) -> _Command:
    own = shutil.which(name, path=str(folder))
    entries = entry_points(group="console_scripts", name=name)
    claimed_by = sorted({each.dist.name for each in entries if each.dist})
    return _Command(name, shutil.which(name), own, _owner(own, mark), claimed_by)


def _finding(command: _Command, folder: Path) -> Finding | None:
    """What is wrong with a command."""
    name, own, first = command.name, command.own, command.first
    if own is not None and command.owner == _OTHERS:
        others = ", ".join(each for each in command.claimed_by if each != "goodsam_pl")
        return Finding(
            f"{own} is not ours, {others or 'another package'} has put its own there",
            f"install goodsam_pl again, last: {sys.executable} -m pip install "
            f"--force-reinstall --no-deps goodsam_pl; {_INSTEAD}",
        )
    if own is None or first is None:
        what = f"there is no command {name} on PATH"
    elif command.is_elsewhere:
        what = f"{name} is {first} in this shell, that of this environment is {own}"
    else:
        return None
    way_out = f"activate the environment (source {folder}/activate); {_INSTEAD}"
    return Finding(what, way_out, is_broken=False)


def _owner(script: str | None, mark: str) -> str:
    """A console script is a small text; on Windows a program that ends with that text."""
    if script is None:
        return "nobody's"
    return _OURS if mark.encode() in Path(script).read_bytes() else _OTHERS
