"""What is asked for, and what unclaimed pixels become."""

from __future__ import annotations

import pytest

from goodsam_pl.cli.labels.labelling import concepts_of
from goodsam_pl.masks.concepts import Concept
from goodsam_pl.taxonomy import Taxonomy, get_taxonomy, read_classes


def test_classes_are_asked_for_by_their_words_and_a_background_is_not() -> None:
    assert concepts_of(read_classes("background, car, pole")) == (
        Concept("car", ("car",)),
        Concept("pole", ("pole",)),
    )
    assert len(concepts_of(get_taxonomy("voc-21"))) == 20
    worded = Taxonomy("own", ("a", "b"), ((1, 1, 1), (2, 2, 2)), phrases={"a": ("x", "y"), "b": ()})
    assert concepts_of(worded) == (Concept("a", ("x", "y")),)


def test_a_set_that_nobody_can_ask_for_is_refused() -> None:
    with pytest.raises(ValueError, match="has no class that can be asked for by words"):
        concepts_of(read_classes("background"))
