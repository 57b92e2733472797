"""Classes become phrases, each of which stands for one class."""

from __future__ import annotations

import pytest

from goodsam_pl.masks.concepts import Concept
from goodsam_pl.sam.phrases import Phrases


def test_synonyms_point_to_their_class() -> None:
    table = Concept("diningtable", ("dining  Table", "bowl"))
    found = Phrases.of([Concept("car", ("Car",)), table, Concept("person", (" person ",))])
    assert found == (("car", "dining table", "bowl", "person"), (0, 1, 1, 2))


def test_what_a_class_repeats_counts_once() -> None:
    assert Phrases.of([Concept("tv", ("TV", "tv", "screen"))]) == (("tv", "screen"), (0, 0))


@pytest.mark.parametrize(
    ("concepts", "message"),
    [
        ([], "there is no class"),
        ([Concept("car", ())], "'car' has no phrase"),
        ([Concept("car", ("car", " "))], "a phrase of the class 'car' is empty"),
        (
            [Concept("car", ("car",)), Concept("truck", ("lorry", "CAR"))],
            "'car' stands for 'car' and for 'truck'",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_named(concepts: list[Concept], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Phrases.of(concepts)
