"""Configuration files in encodings of other places."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

import jsonargparse
import pytest

from goodsam_pl.cli.configs import read_configs_whole
from goodsam_pl.files.yaml_text import read_yaml_text

PRESET = Path(__file__).parents[2] / "configs/real/source.yaml"
TEXT = "a: 360° × θ\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
)
def test_utf8_and_what_a_mark_says(content, workplace, monkeypatch):
    path = workplace / "a.yaml"
    path.write_bytes(content)
    assert read_yaml_text(path) == TEXT
    read_configs_whole()
    monkeypatch.setattr("locale.getpreferredencoding", lambda *ignored: "cp932")
    assert jsonargparse.Path("a.yaml", "fr").read_text() == TEXT


def test_another_encoding_is_named(workplace):
    path = workplace / "a.yaml"
    path.write_bytes(TEXT.encode("latin-1", "replace"))
    with pytest.raises(ValueError, match=r"a\.yaml: not UTF-8 \(byte 6: .*save it as UTF-8"):
        read_yaml_text(path)


def test_under_a_locale_that_knows_ascii_alone(command, workplace):
    """What cp932 and Latin-1 do on other systems: the preset's comments are not ASCII."""
    (workplace / "bake.yaml").write_text("plan: ° × \nonly: naïve\n", encoding="utf-8")
    ascii_alone = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    words = ["ablate", "--config", "bake.yaml", "--print_config"]
    result = command(sys.executable, "-X", "utf8=0", "-m", "goodsam_pl", *words, **ascii_alone)
    assert result.returncode == 0, result.stderr
    assert "only: na" in result.stdout
