"""The words that classes are asked for with."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.taxonomy import (
    TAXONOMIES,
    Taxonomy,
    class_file_text,
    get_taxonomy,
    read_class_file,
    remap_table,
)

CONFIGS = Path(__file__).parents[2] / "configs/taxonomies"


def test_a_class_is_asked_for_by_its_name_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "classes:\n  - {name: vehicle, phrases: [car, van]}\n  - tree\n"
        "  - {name: rest, phrases: []}\n  - background\n"
    )
    taxonomy = get_taxonomy(str(path))
    words = [taxonomy.words_for(name) for name in taxonomy.classes]
    assert words == [("car", "van"), ("tree",), (), ()]


def test_words_change_neither_what_a_set_is_nor_what_was_written_before() -> None:
    plain = Taxonomy("own", ("car", "tree"), ((1, 2, 3), (4, 5, 6)))
    worded = Taxonomy(
        "own", plain.classes, plain.palette, phrases={"car": ("car", "van"), "tree": ()}
    )
    assert plain == worded
    assert "phrases" not in plain.to_dict()
    again = Taxonomy.from_dict(worded.to_dict())
    assert again.words_for("car") == ("car", "van")
    assert again.words_for("tree") == ()
    assert Taxonomy.from_dict(plain.to_dict()).phrases == {}


@pytest.mark.parametrize(
    ("phrases", "told"),
    [
        ("{name: car, phrases: [Tree]}", "the phrase 'Tree' asks for|the phrase 'tree' asks for"),
        ("{name: car, phrases: ['']}", "the phrases of 'car' are"),
        ("{name: car, phrases: [1]}", "the phrases of 'car' are"),
        ("{name: car, phrases: van}", "expected a list"),
    ],
)
def test_words_that_cannot_be_asked_for_are_refused(
    phrases: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"classes:\n  - {phrases}\n  - tree\n")
    with pytest.raises(ValueError, match=told):
        read_class_file(path)


@pytest.mark.parametrize("name", [*TAXONOMIES, "five_classes.yaml", "voc_words.yaml"])
def test_a_set_that_is_written_down_reads_the_same(name: str, tmp_path: Path) -> None:
    taxonomy = get_taxonomy(str(CONFIGS / name) if name.endswith("yaml") else name)
    path = tmp_path / "classes.yaml"
    path.write_text(class_file_text(taxonomy), encoding="utf-8")
    again = read_class_file(path)
    assert again == taxonomy
    assert again.phrases == taxonomy.phrases


def test_the_words_of_the_release_are_those_of_vocs_classes() -> None:
    words = get_taxonomy(str(CONFIGS / "voc_words.yaml"))
    voc = get_taxonomy("voc-21")
    assert (words.classes, words.palette) == (voc.classes, voc.palette)
    assert remap_table("voc-words", "voc-21")[:22].tolist() == [*range(21), 255]
    assert words.words_for("background") == ()
    assert words.words_for("horse") == ("horse", "halter", "saddle")
    assert words.words_for("tv monitor") == ("tvmonitor", "tv", "monitor")
    assert words.words_for("car") == ("car",)
