"""The constraints are the floors of setup.cfg, every one of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from oldest_versions import main, oldest, requirements

ROOT = Path(__file__).resolve().parents[2]
SETUP = """\
[metadata]
name = ours
[options]
install_requires =
    # a reason
    first[more]>=2.6.6,<3
    second<=2.0.8,>=2.0
[options.extras_require]
dev =
    third>=1
    first>=2
    ours[docs]
docs =
    fourth
"""


def test_floors_are_written_once_each_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "setup.cfg"
    path.write_text(SETUP)
    assert oldest(path) == ["first==2.6.6", "second==2.0"]
    assert oldest(path, ("dev",)) == ["first==2.6.6", "second==2.0", "third==1"]
    with pytest.raises(ValueError, match="fourth has no floor: write fourth>=VERSION"):
        oldest(path, ("docs",))


def test_every_requirement_of_ours_has_a_floor(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    lines = capsys.readouterr().out.splitlines()
    names = {each.name for each in requirements(ROOT / "setup.cfg", ("dev", "docs", "notebooks"))}
    assert {line.split("==")[0] for line in lines} == names
    assert {"torch==2.10", "lightning==2.6.6", "mkdocs==1.6"} <= {*lines}
