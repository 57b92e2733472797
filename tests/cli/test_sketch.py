from __future__ import annotations

import inspect
import pkgutil
import sys

import pytest

from goodsam_pl.cli.sketch import sketch_of
from goodsam_pl.cli.verbs import FUNCTIONS, GROUPS

VERBS = {
    **FUNCTIONS,
    **{
        f"{name} {word}": verb
        for name, group in GROUPS.items()
        for word, verb in group.verbs.items()
    },
}
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it fails
from goodsam_pl.cli import main
for words in {commands}:
    try:
        main(words)
    except SystemExit as end:
        print("status", end.code)
"""


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_sketch_has_the_signature_and_the_words(verb):
    sketch, function = sketch_of(verb.function), pkgutil.resolve_name(verb.function)
    drawn, true = (inspect.signature(each).parameters for each in (sketch.function, function))
    assert list(drawn) == list(true)
    for name, parameter in true.items():
        assert drawn[name].default == parameter.default
        assert drawn[name].annotation == parameter.annotation
    assert inspect.getdoc(sketch.function) == inspect.getdoc(function)


def test_what_cannot_be_read_is_left_alone():
    assert sketch_of("bakery:bake") is None
    assert sketch_of("goodsam_pl.taxonomy:nothing") is None


def test_types_that_only_the_module_knows_are_vague():
    assert sketch_of("goodsam_pl.cli.masks.compute:compute").vague == {"proposer"}


def test_help_and_mistakes_need_no_torch(command):
    verbs = [name.split() for name in VERBS]
    commands = [[*words, "--help"] for words in verbs] + [
        ["masks", "compute", "images", "store", "--devise", "x"],
        ["weights", "vit_x"],
        ["export", "--config", "nowhere.yaml"],
    ]
    result = command(sys.executable, "-c", WITHOUT_TORCH.format(commands=commands))
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("status 0") == len(verbs)
    assert result.stdout.count("status 2") == 3
    assert "Did you mean 'device'?" in result.stderr
    assert "vit_h" in result.stderr
    assert "nowhere.yaml" in result.stderr
