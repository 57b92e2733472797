from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from goodsam_pl.files.section import Section, read_mapping


def test_values_are_taken_by_kind():
    section = Section({"a": 1, "b": 2, "c": None, "d": {"x": {}}}, "file")
    assert section.need("a", int) == 1
    assert section.take("b", float, 0.0) == 2.0
    assert section.find("c", str) is None
    assert section.take("absent", str, "default") == "default"
    assert list(section.sections("d")) == ["x"]
    section.end()


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({}, r"file: the key 'seeds' is missing, a whole number"),
        ({"seeds": "3"}, r"file\.seeds: expected a whole number, found '3'"),
        ({"seeds": True}, r"file\.seeds: expected a whole number, found True"),
        ({"seeds": 3, "sedes": 4}, r"file: there is no key 'sedes'; did you mean 'seeds'\?"),
        ([1], r"file: expected a mapping with names as keys"),
    ],
)
def test_what_is_wrong_is_named(tree, message):
    def read():
        section = Section(tree, "file")
        section.need("seeds", int)
        section.end()

    with pytest.raises(ValueError, match=message):
        read()


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("a:\n  b: 1\n  b: 2\n")
    with pytest.raises(ValueError, match=r"plan\.yaml: line 3: the key 'b' is there twice"):
        read_mapping(path)


@dataclass(frozen=True)
class Grain:
    name: str
    grams: float = 0.5


@dataclass(frozen=True)
class Dough:
    path: Path
    flour: Grain
    salt: Grain | None = None
    seeds: dict[str, Grain] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.steps) > 2:
            raise ValueError("steps: two are enough")


RYE = {"flour": {"name": "rye", "grams": 3}}


def test_a_dataclass_says_what_is_expected():
    read = Section(RYE | {"steps": [1], "salt": None}, "file").read(Dough, path=Path("x"))
    assert read == Dough(Path("x"), Grain("rye", 3.0), steps=[1])
    assert isinstance(read.flour.grams, float)
    more = {"seeds": {"poppy": {"name": "blue"}}, "salt": {"name": "sea"}, "notes": {"a": {"b": 1}}}
    read = Section(RYE | more, "file").read(Dough, path=Path("x"))
    assert read.seeds == {"poppy": Grain("blue", 0.5)}
    assert (read.salt, read.notes) == (Grain("sea"), {"a": {"b": 1}})


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({}, r"file: the key 'flour' is missing, a mapping"),
        ({"flour": 3}, r"file\.flour: expected a mapping, found 3"),
        ({"flour": {}}, r"file\.flour: the key 'name' is missing, a text"),
        (RYE | {"flor": 1}, r"file: there is no key 'flor'; did you mean 'flour'"),
        (RYE | {"path": "y"}, r"file: there is no key 'path'"),
        (RYE | {"salt": {"name": 1}}, r"file\.salt\.name: expected a text, found 1"),
        (RYE | {"seeds": {"poppy": None}}, r"file\.seeds\.poppy: expected a mapping, found None"),
        (RYE | {"seeds": {"poppy": {"gram": 1}}}, r"file\.seeds\.poppy: the key 'name' is missing"),
        (RYE | {"notes": {"a": 1}}, r"file\.notes\.a: expected a mapping, found 1"),
        (RYE | {"notes": {"a": {5: 1}}}, r"file\.notes\.a: expected a mapping with names as keys"),
        (RYE | {"steps": [1, 2, 3]}, r"file: steps: two are enough"),
    ],
)
def test_what_a_dataclass_does_not_take_is_named(tree, message):
    with pytest.raises(ValueError, match=message):
        Section(tree, "file").read(Dough, path=Path("x"))


def test_a_key_that_is_no_name_is_refused_at_any_depth(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("a:\n- b: {5: 1}\n")
    with pytest.raises(ValueError, match=r"plan\.yaml\.a\.b: the key 5 is no name"):
        read_mapping(path)
