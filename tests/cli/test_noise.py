"""Only what a user can do nothing about is left out."""

from __future__ import annotations

import logging
import warnings

import pytest

from goodsam_pl.cli import noise
from goodsam_pl.cli.noise import hush


def test_known_noise_is_left_out_and_nothing_else():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        hush()
        warnings.warn("Found 3 module(s) in eval mode at the start of training.", stacklevel=1)
        warnings.warn("`isinstance(treespec, LeafSpec)` is deprecated", stacklevel=1)
        warnings.warn("Precision bf16-mixed is not supported by the model summary.", stacklevel=1)
        warnings.warn("your label has no pixels", stacklevel=1)
    assert [str(each.message) for each in heard] == ["your label has no pixels"]


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "")
    levels = {name: logging.getLogger(name).level for name in noise._TALK}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_lightning_and_wandb_are_quiet_unless_asked(monkeypatch):
    talk = logging.getLogger(noise._TALK[0])
    talk.setLevel(logging.INFO)
    monkeypatch.delenv("WANDB_SILENT")
    monkeypatch.setenv("GOODSAM_DEBUG", "1")
    hush()
    assert talk.isEnabledFor(logging.INFO)
    assert "WANDB_SILENT" not in noise.os.environ
    monkeypatch.delenv("GOODSAM_DEBUG")
    hush()
    assert not talk.isEnabledFor(logging.INFO)
    assert talk.isEnabledFor(logging.WARNING)
    assert noise.os.environ["WANDB_SILENT"] == "true"
