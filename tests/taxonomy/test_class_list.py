"""Classes as a command line names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.taxonomy import get_taxonomy, read_classes

WORDS = Path(__file__).parents[2] / "configs/taxonomies/voc_words.yaml"


def test_names_with_commas_between_them() -> None:
    taxonomy = read_classes(" car, fire hydrant ,person,")
    assert taxonomy.classes == ("car", "fire hydrant", "person")
    assert taxonomy.palette == ((128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert taxonomy.words_for("fire hydrant") == ("fire hydrant",)


def test_a_background_is_black_and_is_not_asked_for() -> None:
    taxonomy = read_classes("background, car")
    assert taxonomy.palette == ((0, 0, 0), (128, 0, 0))
    assert taxonomy.words_for("background") == ()


def test_published_sets_and_files() -> None:
    assert read_classes("cityscapes-19") == get_taxonomy("cityscapes-19")
    assert read_classes(str(WORDS)).name == "voc-words"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no class names"),
        (" , ", "no class names"),
        ("car, person, car", "has the class 'car' twice"),
        ("cityscape-19", "did you mean 'cityscapes-19'"),
    ],
)
def test_what_names_no_classes_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_classes(text)


def test_a_missing_file_is_told_of() -> None:
    with pytest.raises(FileNotFoundError, match="no such class file"):
        read_classes("none.yaml")
