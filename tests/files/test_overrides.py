from __future__ import annotations

from copy import deepcopy

import pytest

from goodsam_pl.files.overrides import mapped_texts, overridden

TREE = {
    "model": {
        "class_path": "Model",
        "init_args": {
            "fusion": {"class_path": "CTCF", "init_args": {"threshold": 0.5, "votes": "softmax"}},
            "weight": 1.0,
        },
    },
    "trainer": {"max_steps": 9, "callbacks": [{"class_path": "A", "init_args": {"root": "x"}}]},
}


def test_dots_lead_inwards_with_or_without_init_args():
    for key in ("model.init_args.weight", "model.weight"):
        assert overridden(TREE, {key: 2.0})["model"]["init_args"]["weight"] == 2.0


def test_numbers_count_items_of_lists():
    changed = overridden(TREE, {"trainer.callbacks.0.root": "y"})
    assert changed["trainer"]["callbacks"] == [{"class_path": "A", "init_args": {"root": "y"}}]


def test_a_mapping_is_merged_but_another_class_takes_the_place():
    merged = overridden(TREE, {"model.fusion": {"init_args": {"votes": "count"}}})
    assert merged["model"]["init_args"]["fusion"] == {
        "class_path": "CTCF",
        "init_args": {"threshold": 0.5, "votes": "count"},
    }
    replaced = overridden(TREE, {"model": {"init_args": {"fusion": {"class_path": "SSA"}}}})
    assert replaced["model"]["init_args"] == {"fusion": {"class_path": "SSA"}, "weight": 1.0}


def test_new_keys_are_made_and_the_tree_stays_as_it_was():
    before = deepcopy(TREE)
    changed = overridden(TREE, {"data.seed": 3, "trainer.logger": {"class_path": "L"}})
    assert changed["data"] == {"seed": 3}
    assert changed["trainer"]["logger"] == {"class_path": "L"}
    assert before == TREE


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("trainer.max_steps.x", TypeError, "there are no keys to find 'x' in 9"),
        ("trainer.callbacks.1.root", ValueError, "'1' is not in 0 to 0"),
    ],
)
def test_a_key_that_leads_nowhere_is_refused(key, error, message):
    with pytest.raises(error, match=message):
        overridden(TREE, {key: 1})


def test_texts_are_mapped_at_any_depth():
    assert mapped_texts({"a": ["x", 1, {"x": "x"}]}, str.upper) == {"a": ["X", 1, {"x": "X"}]}
