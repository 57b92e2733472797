from __future__ import annotations

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
