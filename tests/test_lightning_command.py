"""``goodsam_pl._lightning``, the command ``lightning``."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from goodsam_pl import _lightning


@pytest.fixture
def handed_over(monkeypatch):
    """What would have gone to goodsam."""
    seen = []
    monkeypatch.setattr(_lightning, "goodsam", seen.append)
    return seen


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """A lightning-sdk that notes its command line."""
    package = tmp_path / "lightning_sdk/cli"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "entrypoint.py").write_text(
        "import sys\n\n\ndef main_cli():\n    return ['cloud', *sys.argv[1:]]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "lightning_sdk"]:
        del sys.modules[name]


OURS = [
    ["fit", "--config", "configs/x.yaml"],
    ["validate"],
    ["test"],
    ["predict", "--help"],
    ["streetworld", "--out", "x"],
    ["weights", "vit_b"],
    ["--config", "x.yaml", "fit"],
    ["-c", "x.yaml", "fit"],
    ["--config=x.yaml", "fit"],
]
THEIRS = [[], ["--help"], ["login"], ["run", "job"], ["--version"]]


@pytest.mark.parametrize("words", OURS)
def test_our_verbs_are_ours_also_beside_the_cloud(words, handed_over, cloud):
    assert _lightning.main(words) is None
    assert handed_over == [words]


def test_our_verbs_from_the_command_line_stay_there(handed_over, monkeypatch):
    """So that the processes of a distributed run are started with the same command line."""
    monkeypatch.setattr(sys, "argv", ["lightning", "fit"])
    _lightning.main()
    assert handed_over == [None]


@pytest.mark.parametrize("words", THEIRS)
def test_the_rest_is_the_clouds_where_it_is_installed(words, handed_over, cloud, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lightning", *words])
    assert _lightning.main() == ["cloud", *words]
    assert handed_over == []


@pytest.mark.parametrize("words", [*THEIRS, ["-h"]])
def test_else_everything_is_ours(words, handed_over, monkeypatch):
    monkeypatch.setattr(_lightning.importlib.util, "find_spec", lambda name: None)
    assert _lightning.main(words) is None
    assert handed_over == [words]


def test_we_own_both_commands():
    scripts = entry_points(group="console_scripts")
    assert {entry.value for entry in scripts.select(name="lightning")} == {
        "goodsam_pl._lightning:main"
    }
    assert {entry.value for entry in scripts.select(name="goodsam")} == {"goodsam_pl.cli:main"}


def test_the_installed_commands_are_ours():
    for name in ("goodsam", "lightning"):
        script = Path(sys.executable).with_name(name)
        assert "goodsam_pl" in script.read_text()
        result = subprocess.run([script, "fitt"], capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert "there is no verb 'fitt'" in result.stderr
