from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from goodsam_pl.cli import entry
from goodsam_pl.cli.functions import run_function
from goodsam_pl.cli.verbs import FunctionVerb

MODULE = '''
from pathlib import Path

from goodsam_pl.cli.answers import Answer, answer


def bake(bread: str, minutes: int = 30, seeds: list[str] | None = None) -> str:
    """Bake.

    Args:
        bread: the kind.
        minutes: in the oven.
        seeds: on top.
    """
    if minutes < 1:
        raise ValueError(f"{minutes} minutes: give at least 1")
    return f"{bread} {minutes} {seeds}"


def weigh(bread: str, json: bool = False, status: int = 0, warm: bool = True) -> Answer:
    """Weigh.

    Args:
        bread: the kind.
        json: as JSON.
        status: to end with.
        warm: or cold.
    """
    content = {"bread": bread, "grams": float("nan"), "warm": warm, "of": [Path("flour")]}
    return answer("heavy", content, json=json, status=status)


def knead(dough: str) -> None:
    """Knead."""
'''


@pytest.fixture(autouse=True)
def bakery(workplace, monkeypatch):
    (workplace / "bakery.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(workplace))
    verbs = {
        "bake": FunctionVerb("bakery:bake", "bake some bread"),
        "eat": FunctionVerb("bakery:bake", "eat it", positional=True),
        "knead": FunctionVerb("bakery:knead", "knead"),
        "weigh": FunctionVerb("bakery:weigh", "weigh it", positional=True),
    }
    monkeypatch.setattr(entry, "FUNCTIONS", verbs)


def test_parameters_are_options(goodsam):
    assert goodsam("bake", "--bread", "rye", "--seeds", "[poppy]").out == "rye 30 ['poppy']\n"


def test_parameters_without_default_can_be_words(goodsam):
    assert goodsam("eat", "rye", "--minutes", "5").out == "rye 5 None\n"


def test_options_from_a_file(goodsam, workplace):
    (workplace / "bread.yaml").write_text("bread: rye\nminutes: 7\n")
    assert goodsam("bake", "--config", "bread.yaml", "--minutes", "8").out == "rye 8 None\n"


def test_nothing_returned_is_nothing_printed(goodsam):
    assert goodsam("knead", "--dough", "rye").out == ""


def test_a_switch_alone_is_true(goodsam, fails):
    assert goodsam("weigh", "rye").out == "heavy\n"
    for words in (("rye", "--json"), ("--json", "rye"), ("rye", "--json", "true")):
        assert json.loads(goodsam("weigh", *words).out) == {
            "bread": "rye",
            "grams": None,
            "warm": True,
            "of": ["flour"],
        }
    assert goodsam("weigh", "rye", "--json", "false").out == "heavy\n"
    assert not json.loads(goodsam("weigh", "rye", "--warm", "False", "--json").out)["warm"]
    assert "status" in fails("weigh", "rye", "--status")


def test_an_answer_is_printed_before_its_status_ends_the_command(goodsam, capsys):
    with pytest.raises(SystemExit) as end:
        goodsam("weigh", "rye", "--status", "1")
    assert end.value.code == 1
    assert capsys.readouterr().out == "heavy\n"


def test_help_documents_the_parameters(capsys):
    with pytest.raises(SystemExit) as end:
        entry.main(["bake", "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert "usage: goodsam bake" in text
    assert "in the oven." in text


def test_a_wrong_option_is_named(fails):
    error = fails("bake", "--bread", "rye", "--minuets", "3")
    assert "minuets" in error
    assert "Did you mean 'minutes'?" in error
    assert "bread" in fails("bake")
    assert "minutes" in fails("bake", "--bread", "rye", "--minutes", "long")


def test_a_row_of_numbers_is_written_as_words(monkeypatch, capsys):
    seen = {}

    def aim(target: str, yaw: Sequence[float] = (0.0,), zoom: float = 1.0) -> None:
        seen.update(target=target, yaw=list(yaw), zoom=zoom)

    monkeypatch.setattr("goodsam_pl.cli.functions.sketch_of", lambda _: None)
    monkeypatch.setattr("goodsam_pl.cli.functions._import", lambda _: aim)
    verb = FunctionVerb("here:aim", "aim", positional=True)
    for words in (
        ["--yaw", "0", "-90", "4.5", "a.jpg"],
        ["a.jpg", "--yaw", "0", "-90", "4.5", "--zoom", "1"],
        ["a.jpg", "--yaw=[0, -90, 4.5]"],
        ["a.jpg", "--yaw", "[0,-90,4.5]"],
    ):
        run_function("aim", verb, words)
        assert seen == {"target": "a.jpg", "yaw": [0, -90, 4.5], "zoom": 1}
