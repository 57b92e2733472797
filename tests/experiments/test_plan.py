from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.experiments.plan import Stage, Variation, read_plan

PLANS = Path(__file__).resolve().parents[2] / "configs" / "goodsam" / "ablation"


def test_a_plan_is_read(plan_file):
    plan = read_plan(plan_file)
    assert plan.seeds == [0, 1]
    assert plan.shared == {
        "flour": Stage(
            command="mill grind", options={"out": "{out}", "fine": True}, stands_for="data/flour"
        )
    }
    loaf = plan.presets["loaf"]
    assert loaf.stages["rectification"] == Stage(config="dough.yaml")
    assert list(plan.stages("loaf")) == ["flour", "rectification", "distillation"]
    assert plan.trainings("loaf") == ["rectification", "distillation"]
    assert loaf.rows["full"] == Variation("The preset as it stands.")
    assert list(loaf.rows) == ["full", "-yeast", "-dough"]
    assert loaf.rows["-dough"].untrained == ["rectification"]


def test_scores_are_the_usual_ones_where_there_are_such_stages(plan_file):
    usual = {
        "student": ("distillation", "iou"),
        "fused": ("rectification", "iou_fused"),
        "ta": ("rectification", "iou"),
    }
    assert read_plan(plan_file).score_sources("loaf") == usual
    scores = 'scores: {fused: "", source_only: distillation.iou_whole}'
    text = plan_file.read_text().replace("    variations:", f"    {scores}\n    variations:")
    plan_file.write_text(text)
    assert read_plan(plan_file).score_sources("loaf") == {
        "student": usual["student"],
        "ta": usual["ta"],
        "source_only": ("distillation", "iou_whole"),
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds: [0, 1]", "seeds: [0, 0]", r"plan\.yaml: seeds: expected different whole numbers"),
        ("seeds: [0, 1]", "seeds: [0, true]", r"seeds: expected different .* found \[0, True\]"),
        ("seeds: [0, 1]", "seeds: []", r"seeds: expected different whole numbers, found \[\]"),
        ("title: Bread", "", r"plan\.yaml: the key 'title' is missing, a text"),
        ("title: Bread", "titel: Bread\ntitle: Bread", r"no key 'titel'; did you mean 'title'"),
        ("title: Bread", "path: x\ntitle: Bread", r"plan\.yaml: there is no key 'path'"),
        ("note: Flat.", "nota: Flat.", r"variations\.-yeast: the key 'note' is missing"),
        ("note: Flat.", "note: 3", r"variations\.-yeast\.note: expected a text, found 3"),
        ("config: bread", "config: cake", r"distillation\.config: there is no file .*cake\.yaml"),
        ("{distillation: {model.y", "{baking: {model.y", r"'baking' is none of flour, rect"),
        (
            "{distillation: {model.yeast: 0.0}}",
            "{distillation: 3}",
            r"distillation: expected a map",
        ),
        (
            "{model.yeast: 0.0}",
            "{5: 0.0}",
            r"-yeast\.overrides\.distillation: expected a mapping with names as keys",
        ),
        (
            "untrained: [rect",
            "untrained: [flour, rect",
            r"-dough\.untrained: 'flour' is none of rec",
        ),
        ("  flour: {", "  seed: {", r"'seed': a stage is named by letters"),
        (
            "command: mill grind, ",
            "",
            r"shared\.flour: give either the key 'config', with overrides",
        ),
        ("command: mill grind", "command: mill, trained: false", r"flour: give either the key"),
        ("  loaf:", "  loaf:\n    scores: {ta: flour.iou}", r"scores\.ta: expected STAGE\.COLUMN"),
        ("  loaf:", "  loaf:\n    scores: {taste: flour.iou}", r"scores: 'taste' is none of stud"),
        ("-yeast:", "full:", r"'full' is the preset as it stands"),
        ("rectification: {config", "flour: {config", r"stages: 'flour' is a shared stage, too"),
        ("title:", "split: train\ntitle:", r"split: 'train' is none of test, val"),
        (
            "title:",
            "curve: {name: c, label: l}\ntitle:",
            r"loaf: a curve needs 'at' here and in all",
        ),
    ],
)
def test_what_is_wrong_is_named(plan_file, old, new, message):
    assert old in plan_file.read_text()
    plan_file.write_text(plan_file.read_text().replace(old, new, 1))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_plan(plan_file)


def test_a_preset_without_any_score_is_refused(plan_file):
    text = plan_file.read_text().replace("rectification:", "dough:").replace("[rectif", "[dough")
    plan_file.write_text(text.replace("distillation:", "bread:").replace("ication]", "]"))
    with pytest.raises(ValueError, match=r"presets\.loaf\.scores: name one of student, fused, ta"):
        read_plan(plan_file)


def test_a_plan_of_nothing_is_refused(plan_file):
    plan_file.write_text("title: Bread\npresets: {}\n")
    with pytest.raises(ValueError, match=r"plan\.yaml: presets: name at least one"):
        read_plan(plan_file)


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_plans_are_in_order(path):
    plan = read_plan(path)
    assert plan.seeds == [0, 1, 2]
    assert plan.split == ("val" if path.stem == "labels_in_eval_mode" else "test")
