from __future__ import annotations

import json
import math
from pathlib import Path

from goodsam_pl.cli.answers import Answer, answer, table


def test_text_is_for_people():
    assert answer("all is well", {"sound": True}, json=False) == Answer("all is well", 0)
    assert str(answer("it broke", {}, json=False, status=1)) == "it broke"


def test_json_is_plain_whatever_is_in_it():
    content = {"π": (1, math.inf), Path("a"): {"b": math.nan}, "c": [Path("d"), None, True, 0.5]}
    told = answer("", content, json=True, status=1)
    assert told.status == 1
    assert "π" in told.text
    assert json.loads(told.text) == {"π": [1, None], "a": {"b": None}, "c": ["d", None, True, 0.5]}


def test_rows_stand_below_each_other():
    assert table({"a": "one", "longer": "two", "": ""}) == "a       one\nlonger  two\n"
    assert table({}) == ""
