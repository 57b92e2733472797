from __future__ import annotations

import sys
from importlib.metadata import version

import pytest

import goodsam_pl
from goodsam_pl.cli import is_ours, main


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_help_names_every_verb(args, goodsam):
    text = goodsam(*args).out
    for verb in ("fit", "validate", "test", "predict", "streetworld", "weights"):
        assert f"\n  {verb} " in text


@pytest.mark.parametrize("args", [["masks"], ["masks", "--help"]])
def test_help_of_a_group_names_its_verbs(args, goodsam):
    text = goodsam(*args).out
    for verb in ("compute", "info", "verify", "show", "export", "import"):
        assert f"\n  {verb} " in text


def test_version(goodsam):
    printed = goodsam("--version").out
    assert printed.startswith(f"goodsam_pl {goodsam_pl.__version__} (Python 3.")
    assert f"lightning {version('lightning')})" in printed
    assert version("goodsam_pl") == goodsam_pl.__version__


def test_help_needs_nothing_but_the_standard_library(command):
    code = (
        "import sys; from goodsam_pl.cli import main; main(['--help']); main(['masks']);"
        "import goodsam_pl._lightning;"
        "heavy = {'torch', 'lightning', 'jsonargparse', 'numpy', 'rich', 'yaml'};"
        "sys.exit(sorted(heavy & set(sys.modules)) or 0)"
    )
    result = command(sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: goodsam <verb>")


def test_runs_as_a_module(command):
    result = command(sys.executable, "-m", "goodsam_pl", "--version")
    assert result.returncode == 0
    assert result.stdout.startswith(f"goodsam_pl {goodsam_pl.__version__} ")


def test_an_unknown_verb_gets_a_guess_or_the_list(fails):
    assert fails("fitt") == "goodsam: error: there is no verb 'fitt'; did you mean 'fit'?\n"
    assert fails("masks", "veryfy") == (
        "goodsam: error: there is no verb 'masks veryfy'; did you mean 'verify'?\n"
    )
    assert "it is one of fit, validate, test, predict, " in fails("xyzzy")


def test_knows_its_own_words():
    ours = (
        "fit",
        "predict",
        "streetworld",
        "weights",
        "masks",
        "-c",
        "--config",
        "--config=a.yaml",
    )
    assert all(map(is_ours, ours))
    assert not any(map(is_ours, ("login", "run", "--help", "--version", "studio")))


def test_a_missing_folder_is_one_line(config, fails):
    error = fails("fit", "--config", config, "--data.broken", "file")
    assert "goodsam: error: file: there is no such folder; set data.root\n" in error
    assert "Traceback" not in error


def test_debugging_shows_the_traceback(config, monkeypatch):
    monkeypatch.setenv("GOODSAM_DEBUG", "1")
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        main(["fit", "--config", config, "--data.broken", "file"])


def test_an_error_that_is_not_ours_keeps_its_traceback(config):
    with pytest.raises(ValueError, match="invalid literal for int"):
        main(["fit", "--config", config, "--data.broken", "elsewhere"])


def test_an_error_raised_by_us_is_one_line(config, fails):
    error = fails("fit", "--config", config, "--data.taxonomy", "cityscapes-20")
    assert "goodsam: error: unknown taxonomy 'cityscapes-20'; known: " in error
