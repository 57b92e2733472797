"""Parts in their places, and values laid over them."""

from __future__ import annotations

import re

import pytest

from goodsam_pl.files.presets import read_preset

DATA = "class_path: data.Module\ninit_args: {root: a, size: [1, 2], batch_size: 8}\n"


@pytest.fixture
def folder(tmp_path):
    """Parts in one folder, presets in another, as in ``configs``."""
    for name, text in {
        "parts/data.yaml": DATA,
        "parts/network.yaml": "class_path: Net\ninit_args: {classes: 19, weights: null}\n",
        "parts/training.yaml": "roll: true\nbatch_size: 2\n",
        "parts/trainer.yaml": "devices: 1\ncallbacks: [./watching.yaml]\n",
        "parts/watching.yaml": "- class_path: Signals\n- class_path: Table\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "presets").mkdir()

    def read(text):
        path = tmp_path / "presets/preset.yaml"
        path.write_text(text)
        return read_preset(path)

    return read


def test_a_part_stands_where_it_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # parts count from the file, wherever one works
    read = folder("model: {init_args: {network: ../parts/network.yaml}}\n")
    network = {"class_path": "Net", "init_args": {"classes": 19, "weights": None}}
    assert read == {"model": {"init_args": {"network": network}}}


def test_parts_have_parts_and_a_list_among_items_is_its_items(folder):
    signals, table = {"class_path": "Signals"}, {"class_path": "Table"}
    assert folder("trainer: ../parts/trainer.yaml")["trainer"]["callbacks"] == [signals, table]
    read = folder("callbacks:\n- class_path: Sam\n- ../parts/watching.yaml\n- [1]\n")
    assert read["callbacks"] == [{"class_path": "Sam"}, signals, table, [1]]


def test_keys_with_dots_are_laid_over(folder):
    read = folder(
        "data.batch_size: 4\n"  # wherever it stands
        "data: ../parts/data.yaml\n"
        "data.init_args: ../parts/training.yaml\n"
        "data.size: [3]\n"
        "model: {network: ../parts/network.yaml, network.weights: w}\n"
    )
    assert read["data"]["class_path"] == "data.Module"
    assert read["data"]["init_args"] == {"root": "a", "size": [3], "batch_size": 2, "roll": True}
    assert read["model"]["network"]["init_args"] == {"classes": 19, "weights": "w"}
    assert "network.weights" not in read["model"]


def test_a_file_to_lay_over_others_needs_no_base_and_keys_of_others_stay(folder):
    assert folder("trainer.max_steps: 3") == {"trainer": {"max_steps": 3}}
    rates = {"rates": {"encoder.block": 0.1}}
    assert folder("model: {rates: {encoder.block: 0.1}}") == {"model": rates}


def test_a_file_is_laid_over_another(folder, tmp_path):
    (tmp_path / "presets/first.yaml").write_text(
        "data: ../parts/data.yaml\ntrainer: ../parts/trainer.yaml\n"
    )
    (tmp_path / "parts/large.yaml").write_text("over: ./network.yaml\nclasses: 99\n")
    read = folder(
        "over: ./first.yaml\ndata.root: b\ntrainer: {devices: 2}\ntrainer.callbacks.0.every: 5\n"
        "model: ../parts/large.yaml\n"
    )
    assert read["data"]["init_args"] == {"root": "b", "size": [1, 2], "batch_size": 8}
    signals = {"class_path": "Signals", "init_args": {"every": 5}}
    assert read["trainer"] == {"devices": 2, "callbacks": [signals, {"class_path": "Table"}]}
    assert read["model"] == {"class_path": "Net", "init_args": {"classes": 99, "weights": None}}
    assert folder("over: there")["over"] == "there"


@pytest.mark.parametrize("value", ["parts/data.yaml", "./here.yaml", "../parts", "./"])
def test_other_texts_stay(value, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.yaml").touch()  # in the working folder, not beside the preset
    assert folder(f"root: {value}") == {"root": value}


def test_class_files_are_named_and_not_read(folder):
    assert folder("data: {taxonomy: ../parts/data.yaml}")["data"]["taxonomy"] == (
        "../parts/data.yaml"
    )
    laid_over = folder("data: {root: here}\ndata.taxonomy: ../parts/data.yaml")
    assert laid_over["data"]["taxonomy"] == "../parts/data.yaml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: ./preset.yaml", "preset.yaml is a part of itself"),
        ("over: ../parts/watching.yaml\na: 4", r"watching\.yaml has no keys and values"),
        ("a: 3\na.b: 4", r"preset\.yaml: override 'a\.b': there are no keys to find 'b' in 3"),
        ("a: ./none.yaml\na.b: 4", r"its part \./none\.yaml is missing"),
        ("- 3", r"preset\.yaml: expected keys and values, found '\[3\]'"),
        ("a: [", r"preset\.yaml: "),
    ],
)
def test_what_is_wrong_is_named(text, told, folder):
    with pytest.raises(ValueError, match=told):
        folder(text)


def test_files_that_name_each_other_many_times_end(folder, tmp_path):
    for level in range(5):
        lines = [f"- ./level_{level + 1}.yaml\n"] * 10
        (tmp_path / f"presets/level_{level}.yaml").write_text("".join(lines))
    (tmp_path / "presets/level_5.yaml").write_text("- 1\n")
    with pytest.raises(ValueError, match="more than 1,000 parts"):
        folder("a: ./level_0.yaml")


@pytest.mark.parametrize(
    "text",
    ["data: ../typo.yaml\n", "data: ../typo.yaml\ndata.size: 1\n", "all: [../typo.yaml]\n"],
)
def test_a_part_that_is_missing_is_named_with_the_file_that_names_it(text, tmp_path):
    preset = tmp_path / "presets" / "a.yaml"
    preset.parent.mkdir()
    preset.write_text(text)
    missing = f"{preset}: its part ../typo.yaml is missing: there is no {tmp_path / 'typo.yaml'}"
    with pytest.raises(ValueError, match=re.escape(missing)):
        read_preset(preset)
