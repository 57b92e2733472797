"""What two versions of a preset have in common, and what not."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from compare_presets import RENAMES as RENAMES_FILE
from compare_presets import differences, flat, in_run_folder, presets_of, renamed, without

RENAMES = tomllib.loads(RENAMES_FILE.read_text(encoding="utf-8"))


def student(**arguments):
    return {"model": {"class_path": "StudentDistillation", "init_args": arguments}}


def test_values_are_found_by_the_keys_that_lead_to_them():
    tree = {"a": {"b": [1, {"c": None}]}, "d": [], "e": {}}
    assert dict(flat(tree)) == {"a.b.0": 1, "a.b.1.c": None, "d": [], "e": {}}


def test_other_values_and_missing_keys_are_told():
    assert [*differences({"a": 1, "b": 2, "c": 0}, {"a": 1, "b": 3, "c": 0.0, "d": 4})] == [
        "b: 2, now 3",
        "c: 0, now 0.0",
        "d: '(absent)', now 4",
    ]


def test_keys_are_renamed_by_what_they_begin_with():
    old = student(fusion={"class_path": "CTCF", "init_args": {"votes": "count"}}, boundary="v1")
    values = renamed(old, RENAMES)
    assert values["model.init_args.teachers.fusion.init_args.votes"] == "count"
    assert values["model.init_args.teachers.boundary"] == "v1"
    assert values["model.class_path"] == "StudentDistillation"


@pytest.mark.parametrize("joint", [True, False])
def test_the_two_classes_of_a_student(joint):
    values = renamed(student(joint=joint, consistency_weight=0.1, whole_weight=1.0), RENAMES)
    named = {"model.init_args.whole_weight": 1.0}
    if joint:
        named["model.class_path"] = "goodsam_pl.modules.JointDistillation"
        named["model.init_args.rectification.consistency"] = 0.1
    else:
        named["model.class_path"] = "StudentDistillation"
    assert values == named


def test_what_has_no_effect_may_be_missing_and_nothing_else():
    key = "model.init_args.teachers.further_scales"
    assert without({key: []}, RENAMES["gone"]) == {}
    assert without({key: [2.0]}, RENAMES["gone"]) == {key: [2.0]}
    other = renamed(student(joint=False, consistency_weight=0.7), RENAMES)
    assert other["model.init_args.consistency_weight"] == 0.7


def test_the_run_folder_is_followed_where_nothing_else_is_said():
    logger = {
        "class_path": "lightning.pytorch.loggers.WandbLogger",
        "init_args": {"save_dir": ".", "name": None},
    }
    callbacks = [
        {"class_path": "goodsam_pl.callbacks.RunCheckpoint", "init_args": {"dirpath": None}},
        {"class_path": "goodsam_pl.callbacks.RunCheckpoint", "init_args": {"dirpath": "mine"}},
        {"class_path": "lightning.pytorch.callbacks.Other", "init_args": {"dirpath": None}},
    ]
    trainer = {"default_root_dir": "runs/real_hub/source", "logger": logger, "callbacks": callbacks}
    values = in_run_folder(dict(flat({"trainer": trainer})))
    assert values["trainer.logger.init_args.save_dir"] == "runs/real_hub/source"
    assert values["trainer.logger.init_args.name"] == "real-hub-source"
    paths = [values[f"trainer.callbacks.{index}.init_args.dirpath"] for index in range(3)]
    assert paths == ["runs/real_hub/source", "mine", None]


def test_every_preset_and_every_pair_is_compared(tmp_path):
    for name in ("real/a.yaml", "goodsam/paper.yaml", "goodsam/over.yaml", "taxonomies/b.yaml"):
        (tmp_path / "configs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "configs" / name).touch()
    over = [["goodsam/paper.yaml", "goodsam/over.yaml"]]
    assert presets_of(tmp_path, {"over": over}) == [
        ["goodsam/paper.yaml"],
        ["real/a.yaml"],
        *over,
    ]
