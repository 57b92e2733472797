from __future__ import annotations

import os
import subprocess
import sys

import pytest

from goodsam_pl.cli import streams
from goodsam_pl.cli.streams import polite_streams


def test_output_that_the_terminal_cannot_show_is_replaced(command):
    result = command(sys.executable, "-m", "goodsam_pl", "--help", PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert "360? panoramas" in result.stdout


@pytest.mark.parametrize("words", [["--help"], ["masks", "verify", "--help"], ["--version"]])
def test_a_closed_pipe_ends_quietly(words):
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [sys.executable, "-m", "goodsam_pl", *words],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert result.returncode in {0, 141}  # argparse may have swallowed it
    assert result.stderr == b""


def test_a_pipe_of_another_process_is_an_error():
    with pytest.raises(BrokenPipeError), polite_streams():
        raise BrokenPipeError


def test_windows_cannot_ask_whose_pipe_it_is(monkeypatch):
    monkeypatch.delattr(streams.select, "poll")
    with pytest.raises(SystemExit) as end, polite_streams():
        raise BrokenPipeError
    assert end.value.code == 141


def test_an_interruption_is_one_line(capsys):
    with pytest.raises(SystemExit) as end, polite_streams():
        raise KeyboardInterrupt
    assert end.value.code == 130
    assert capsys.readouterr().err == "\ngoodsam: interrupted\n"


def ended_by_lightning():
    try:
        raise KeyboardInterrupt  # noqa: TRY301  # what Lightning catches
    except KeyboardInterrupt:
        sys.exit(1)


def test_also_where_lightning_has_caught_it(capsys):
    with pytest.raises(SystemExit) as end, polite_streams():
        ended_by_lightning()
    assert end.value.code == 130
    assert "interrupted" in capsys.readouterr().err


def test_other_ends_keep_their_status():
    with pytest.raises(SystemExit) as end, polite_streams():
        raise SystemExit(2)
    assert end.value.code == 2
