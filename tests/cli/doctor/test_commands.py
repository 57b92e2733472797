"""Whose ``lightning`` it is."""

from __future__ import annotations

import pytest

from goodsam_pl.cli.doctor.commands import commands

OURS = "#!/usr/bin/python\nfrom goodsam_pl._lightning import main\n"
THEIRS = "#!/usr/bin/python\nfrom lightning_sdk.cli.entrypoint import main_cli\n"


@pytest.fixture
def write(tmp_path):
    def write(folder, lightning):
        place = tmp_path / folder
        place.mkdir()
        for name, text in {"goodsam": OURS, "lightning": lightning}.items():
            (place / name).write_text(text)
            (place / name).chmod(0o755)
        return place

    return write


def test_our_own_commands_are_no_finding(write, monkeypatch):
    own = write("own", OURS)
    monkeypatch.setenv("PATH", str(own))
    section = commands(own)
    assert section.findings == []
    assert section.content["lightning"] == {
        "on_path": str(own / "lightning"),
        "of_this_environment": str(own / "lightning"),
        "ours": True,
        "claimed_by": ["goodsam_pl"],
    }


def test_a_command_that_another_package_replaced_is_broken(write, monkeypatch):
    own = write("own", THEIRS)
    monkeypatch.setenv("PATH", str(own))
    (finding,) = commands(own).findings
    assert finding.is_broken
    assert finding.what.startswith(f"{own / 'lightning'} is not ours")
    assert "--force-reinstall --no-deps goodsam_pl" in finding.way_out
    assert not commands(own).content["lightning"]["ours"]


def test_another_environment_that_comes_first_is_told(write, monkeypatch):
    own, other = write("own", OURS), write("other", THEIRS)
    monkeypatch.setenv("PATH", f"{other}:{own}")
    findings = commands(own).findings
    assert [each.is_broken for each in findings] == [False, False]
    assert findings[1].what == (
        f"lightning is {other / 'lightning'} in this shell, that of this environment is "
        f"{own / 'lightning'}"
    )


def test_commands_that_no_shell_finds_are_told(tmp_path, write, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for folder in (write("own", OURS), tmp_path / "nothing"):
        findings = commands(folder).findings
        assert [each.what for each in findings] == [
            "there is no command goodsam on PATH",
            "there is no command lightning on PATH",
        ]
        assert all("python -m goodsam_pl fit" in each.way_out for each in findings)
