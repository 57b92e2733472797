from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from goodsam_pl.cli import training_bar

BAR = ["--trainer.enable_progress_bar", "true"]


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal would have shown."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=120)
    monkeypatch.setattr(training_bar, "Console", lambda: console)
    return lambda: re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())


def test_one_bar_over_all_steps_with_the_loss(config, goodsam, terminal):
    goodsam("fit", "--config", config, *BAR)
    shown = terminal()
    assert re.search(r"training .*6/6 .*, loss \d\.\d+", shown)  # 2 epochs of 3 batches
    assert re.search(r"validation .*3/3", shown)
    assert "Epoch" not in shown


def test_steps_count_where_they_end_the_run(config, goodsam, terminal):
    goodsam("fit", "--config", config, *BAR, "--trainer.max_epochs=-1", "--trainer.max_steps=4")
    assert "4/4" in terminal()


def test_no_end_in_sight_is_no_error(config, goodsam, terminal):
    goodsam("fit", "--config", config, *BAR, "--trainer.max_epochs=-1",
            "--trainer.max_time", "00:00:00:01")  # fmt: skip
    assert "/?" in terminal()


def test_lines_take_its_place_in_a_file(config, goodsam):
    printed = goodsam("fit", "--config", config, *BAR, "--trainer.max_epochs", 10).out
    lines = re.findall(r"^step (\d+) of 30, loss \d\.\d+$", printed, re.MULTILINE)
    assert lines == [str(step) for step in range(3, 31, 3)]
    assert "\x1b" not in printed


@pytest.mark.parametrize(
    ("verb", "label"), [("validate", "validation"), ("test", "test"), ("predict", "predictions")]
)
def test_the_other_verbs_count_batches(verb, label, config, goodsam, terminal):
    goodsam(verb, "--config", config, *BAR)
    assert re.search(rf"{label} .*3/3", terminal())


def test_an_error_gives_the_terminal_back(config, terminal):
    from goodsam_pl.cli import main  # noqa: PLC0415

    with pytest.raises(ValueError, match="invalid literal"):
        main(["fit", "--config", config, *BAR, "--data.broken", "elsewhere"])
    assert training_bar.Console().is_terminal
    assert terminal().count("training") == 0
