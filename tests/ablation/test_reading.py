from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.ablation.plan import CommandStage, ScoreSource, TrainingStage
from goodsam_pl.ablation.reading import read_plan

PLANS = Path(__file__).resolve().parents[2] / "configs" / "goodsam" / "ablation"


def test_a_plan_is_read(plan_file):
    plan = read_plan(plan_file)
    (preset,) = plan.presets
    assert plan.seeds == (0, 1)
    assert preset.shared == (
        CommandStage("flour", "mill grind", {"out": "{out}", "fine": True}, "data/flour"),
    )
    assert preset.stages[0] == TrainingStage("rectification", plan_file.parent / "dough.yaml", {})
    assert [each.name for each in preset.variations] == ["full", "-yeast", "-dough"]
    assert preset.variations[2].untrained == ("rectification",)
    assert preset.scores == {  # the usual ones, as far as there are such stages
        "student": ScoreSource("distillation", "iou"),
        "fused": ScoreSource("rectification", "iou_fused"),
        "ta": ScoreSource("rectification", "iou"),
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds: [0, 1]", "seeds: [0, 0]", r"plan\.yaml\.seeds: expected different whole numbers"),
        ("title: Bread", "", r"plan\.yaml: the key 'title' is missing"),
        ("note: Flat.", "nota: Flat.", r"variations\.-yeast: the key 'note' is missing"),
        ("config: bread", "config: cake", r"stages\.distillation\.config: there is no file .*cake"),
        ("{distillation: {model.y", "{baking: {model.y", r"'baking' is none of flour, rect"),
        ("untrained: [rect", "untrained: [flour, rect", r"untrained: there is no training 'flour'"),
        ("  flour: {", "  seed: {", r"shared\.seed: a stage is named by letters"),
        ("command: mill grind, ", "", r"give either the key 'config' or the key 'command'"),
        ("  loaf:", "  loaf:\n    scores: {ta: flour.iou}", r"scores\.ta: expected STAGE\.COLUMN"),
        ("-yeast:", "full:", r"'full' is the preset as it stands"),
        ("title:", "split: train\ntitle:", r"split: expected test or val, found 'train'"),
        (
            "title:",
            "curve: {name: c, label: l}\ntitle:",
            r"every preset and variation needs .*'at'",
        ),
    ],
)
def test_what_is_wrong_is_named(plan_file, old, new, message):
    assert old in plan_file.read_text()
    plan_file.write_text(plan_file.read_text().replace(old, new, 1))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_plan(plan_file)


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_plans_are_in_order(path):
    plan = read_plan(path)
    assert len(plan.seeds) == 3
    assert plan.split == "test"
