from __future__ import annotations

from lightning.pytorch.cli import LightningCLI

from goodsam_pl.cli.verbs import FUNCTIONS, TRAINING, overview


def test_the_training_verbs_are_lightnings():
    assert list(TRAINING) == list(LightningCLI.subcommands())


def test_the_overview_is_a_line_a_verb_within_the_screen():
    text = overview()
    for name, help_line in {**TRAINING, **{k: v.help for k, v in FUNCTIONS.items()}}.items():
        assert any(
            line.split(maxsplit=1) == [name, help_line] for line in text.splitlines() if line
        )
    assert max(map(len, text.splitlines())) <= 100
