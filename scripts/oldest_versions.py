"""Write the oldest version of each package that setup.cfg allows, as constraints for pip or uv.

    python scripts/oldest_versions.py > oldest.txt

A floor without a release of its own number (`torch>=2.10` is 2.10.0) is what an installer takes for
`==2.10`. What setup.cfg does not name is as new as the rest allows.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def requirements(path: Path, extras: tuple[str, ...] = ()) -> Iterator[Requirement]:
    """What a setup.cfg asks for, with these extras; a reference to itself is left out."""
    setup = configparser.RawConfigParser()
    setup.read(path, encoding="utf-8")
    blocks = [setup["options"]["install_requires"]]
    blocks += [setup["options.extras_require"][extra] for extra in extras]
    for line in "\n".join(blocks).splitlines():
        if line and not line.startswith(setup["metadata"]["name"]):
            yield Requirement(line)


def oldest(path: Path, extras: tuple[str, ...] = ()) -> list[str]:
    """A line ``name==floor`` for each requirement, in the order of the file, each name once.

    Raises:
        ValueError: a requirement has no floor.
    """
    lines: dict[str, str] = {}
    for each in requirements(path, extras):
        floors = [one.version for one in each.specifier if one.operator == ">="]
        if not floors:
            raise ValueError(f"{path}: {each} has no floor: write {each.name}>=VERSION")
        lines.setdefault(each.name, f"{each.name}=={floors[0]}")
    return list(lines.values())


def main() -> None:
    """Print the constraints of what the tests need."""
    print("\n".join(oldest(ROOT / "setup.cfg", ("dev", "docs", "notebooks"))))


if __name__ == "__main__":
    main()
