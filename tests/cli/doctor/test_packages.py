"""Versions against the floors of metadata that are written here."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

import pytest

from goodsam_pl.cli.doctor.packages import GIVES, extras, packages, python

OURS = """\
Requires-Python: >=3.99
Requires-Dist: oldish>=2
Requires-Dist: absent[fast]>=1
Requires-Dist: pair_a>=1
Requires-Dist: pair_b>=1
Requires-Dist: elsewhere>=1; sys_platform == "nowhere"
Requires-Dist: oldish>=1; extra == "plots"
Requires-Dist: never_there>=4; extra == "notebooks"
Provides-Extra: plots
Provides-Extra: notebooks
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def install(name, version, rest=""):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / "METADATA").write_text(f"{head}{rest}")

    monkeypatch.syspath_prepend(str(tmp_path))
    install("ours", "0.1.0", OURS)
    install("oldish", "1.9")
    install("pair_a", "2.0")
    install("pair_b", "3.0", "Requires-Dist: pair_a==1.0\nRequires-Dist: unrelated>=9\n")


def test_floors_and_pairs_come_from_the_metadata(installed):
    section = packages("ours")
    assert section.rows["oldish"].split() == ["1.9", ">=2"]
    assert section.rows["absent"].split() == ["missing", ">=1"]
    assert section.content["version"] == "0.1.0"
    assert [(each["name"], each["version"], each["met"]) for each in section.content["needed"]] == [
        ("oldish", "1.9", False),
        ("absent", None, False),
        ("pair_a", "2.0", True),
        ("pair_b", "3.0", True),
    ]
    assert [(each.what, each.way_out) for each in section.findings] == [
        ("oldish 1.9, needed is >=2", f'{sys.executable} -m pip install "oldish>=2"'),
        ("absent is missing, needed is >=1", f'{sys.executable} -m pip install "absent>=1"'),
        (
            "pair_b 3.0 needs pair_a==1.0, there is 2.0",
            f'{sys.executable} -m pip install "pair_a==1.0" pair_b',
        ),
    ]
    assert all(each.is_broken for each in section.findings)


def test_a_missing_extra_is_no_fault(installed):
    section = extras("ours")
    assert section.findings == ()
    assert section.content["plots"]["present"]
    assert section.content["notebooks"] == {
        "gives": "the notebooks",
        "present": False,
        "missing": ["never_there>=4"],
    }
    assert section.rows["notebooks"].endswith('missing, pip install "never_there>=4"')


def test_pythons_own_floor(installed):
    (finding,) = python("ours").findings
    assert finding.what.endswith("needed is >=3.99")
    assert python().findings == []


def test_this_environment_is_sound_and_every_extra_is_explained():
    assert packages().findings == []
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[3] / "setup.cfg", encoding="utf-8")
    assert {*setup["options.extras_require"]} == {*GIVES}
