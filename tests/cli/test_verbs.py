from __future__ import annotations

import pkgutil

from lightning.pytorch.cli import LightningCLI

from goodsam_pl.cli.verbs import FUNCTIONS, GROUPS, TRAINING, WITH_CONFIG, group_overview, overview


def test_the_training_verbs_are_lightnings():
    assert list(TRAINING) == list(LightningCLI.subcommands())


def test_the_overview_is_a_line_a_verb_within_the_screen():
    text = overview()
    verbs = {name: verb.help for name, verb in (FUNCTIONS | WITH_CONFIG | GROUPS).items()}
    for name, help_line in {**TRAINING, **verbs}.items():
        assert any(
            line.split(maxsplit=1) == [name, help_line] for line in text.splitlines() if line
        )
    assert max(map(len, text.splitlines())) <= 100


def test_a_group_lists_its_verbs_and_each_of_them_is_there():
    for group, (_, verbs) in GROUPS.items():
        text = group_overview(group)
        assert text.startswith(f"usage: goodsam {group} <verb>")
        for name, verb in verbs.items():
            assert f"  {name} " in text
            assert callable(pkgutil.resolve_name(verb.function))


def test_verbs_with_a_configuration_are_there():
    for verb in WITH_CONFIG.values():
        assert callable(pkgutil.resolve_name(verb.function))
