from __future__ import annotations

import pytest

from goodsam_pl.taxonomy import TAXONOMIES, remap_table
from goodsam_pl.taxonomy.meanings import MEANINGS


@pytest.mark.parametrize("pair", MEANINGS, ids=" to ".join)
def test_a_translation_is_from_classes_of_one_set_to_classes_of_the_other(
    pair: tuple[str, str],
) -> None:
    source, target = (TAXONOMIES[name] for name in pair)
    assert set(MEANINGS[pair]) <= set(source.classes)
    assert set(MEANINGS[pair].values()) <= set(target.classes)


@pytest.mark.parametrize("pair", MEANINGS, ids=" to ".join)
def test_a_class_whose_name_both_sets_have_keeps_it(pair: tuple[str, str]) -> None:
    source, target = (TAXONOMIES[name] for name in pair)
    for name in set(source.classes) & set(target.classes):
        assert MEANINGS[pair].get(name) == name


@pytest.mark.parametrize(
    "pair", [pair for pair in MEANINGS if pair[::-1] in MEANINGS], ids=" to ".join
)
def test_there_and_back_again_does_not_change_what_a_class_means(pair: tuple[str, str]) -> None:
    there, back = MEANINGS[pair], MEANINGS[pair[::-1]]
    for meaning in there.values():
        if meaning in back:
            assert there[back[meaning]] == meaning


def test_by_the_way_of_19_classes_one_gets_to_13_as_directly() -> None:
    to_13 = remap_table("cityscapes-19", "cityscapes-13")
    for name in ("wildpass-8", "camvid-11"):
        by_the_way = to_13[remap_table(name, "cityscapes-19")]
        assert by_the_way.tolist() == remap_table(name, "cityscapes-13").tolist()


def test_riders_and_vehicles_go_where_a_set_has_room_for_them() -> None:
    meant = {
        target: names for (source, target), names in MEANINGS.items() if source == "cityscapes-19"
    }
    assert {target: found.get("rider") for target, found in meant.items()} == {
        "cityscapes-13": "person",
        "wildpass-8": None,
        "camvid-11": "bicyclist",
        "voc-21": "person",
    }
    assert {target: found.get("train") for target, found in meant.items()} == {
        "cityscapes-13": None,
        "wildpass-8": None,
        "camvid-11": None,
        "voc-21": "train",
    }
    # a rider and the bicycle in one is no class of Cityscapes
    assert "bicyclist" not in MEANINGS["camvid-11", "cityscapes-19"]
