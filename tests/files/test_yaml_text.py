"""YAML that was made to unfold without end is refused by its line."""

from __future__ import annotations

import os

import pytest

from goodsam_pl.files import open_regular
from goodsam_pl.files.section import read_mapping
from goodsam_pl.files.yaml_text import load_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60)
)


def test_aliases_merges_and_plain_values_are_read():
    text = "a: &a {x: 1, y: [2, 3.5, true, null]}\nb: {<<: *a, x: 4}\nc: *a\n"
    a = {"x": 1, "y": [2, 3.5, True, None]}
    assert load_yaml(text) == {"a": a, "b": {**a, "x": 4}, "c": a}
    assert load_yaml("") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "line 6: more than 100,000 values"),
        (MERGES, "more than 100,000 values"),
        ("a: 1\nb: &b [1, *b]\n", "line 2: an alias stands inside of what it names"),
        ("[" * 2000, "nested too deeply"),
        ("{a: " * 1000 + "1" + "}" * 1000, "nested too deeply"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "line 4: the key 'b' is there twice"),
        ("x: 1\na: 0x" + "f" * 5000, "line 2: a number of 5,002 characters"),
        ("a: " + "1:" * 5000 + "1", "a number of 10,001 characters"),
        ("a: 2020-13-45", "month"),
        ("a: [1\n", "line 2"),
        ("a: !!python/object/apply:os.system ['x']", "could not determine a constructor"),
        ("a: !!python/name:os.system x", "could not determine a constructor"),
        ("? [1]\n: 2\n", "unhashable"),
        ("a: *nowhere", "undefined alias"),
        ("a: \0", "unacceptable character"),
        ("#" * (1 << 20) + "\n", "characters, 1,048,576 are the most"),
    ],
)
def test_what_is_wrong_is_told_by_the_file_and_the_line(tmp_path, text, told):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.yaml: (.|\n)*{told}"):
        read_mapping(path)


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ValueError, match="is no file, but a folder, a pipe or a device"):
            open_regular(path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nowhere")
