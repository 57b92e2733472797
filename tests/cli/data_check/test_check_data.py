"""``goodsam check-data``, on presets and options as ``fit`` takes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.cli import entry
from goodsam_pl.cli.data_check import told
from goodsam_pl.cli.data_check.data_config import read_data

PRESET = str(Path(__file__).parents[3] / "configs/densepass/rectification.yaml")
SMALL = (
    *("--data.init_args.size", "[48,256]", "--data.init_args.num_workers", "0"),
    *("--data.init_args.window_size", "[48,64]", "--data.init_args.window_stride", "[48,64]"),
)


@pytest.fixture
def data(workplace):
    """DensePASS with two panoramas to train on and one to score."""

    def write(path, pixels):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)

    random = np.random.default_rng(0)
    root = workplace / "data/DensePASS"
    for place in ("train/Oslo/0", "train/Oslo/1", "val/cs/0_"):
        pixels = random.integers(1, 256, (48, 256, 3), np.uint8)
        write(root / f"leftImg8bit/{place}.png", pixels)
    ids = random.integers(0, 5, (48, 256), np.uint8)
    ids[:12] = 255
    write(root / "gtFine/val/cs/0_labelTrainIds.png", ids)
    return root


def status_of(goodsam, *words):
    with pytest.raises(SystemExit) as end:
        goodsam("check-data", *words)
    return end.value.code


def test_a_preset_with_options_is_read_as_fit_reads_it(data, workplace):
    (workplace / "mine.yaml").write_text("data.init_args.limit: 1\ndata.init_args.flip: false\n")
    words = ["--config", PRESET, "--config", "mine.yaml", *SMALL, "--data.init_args.limit", "2"]
    module = read_data(words)
    assert module.format.size == (48, 256)
    assert module.limit == 2
    assert not module.augmentation.flip


def test_sound_data_end_in_a_table(goodsam, data):
    lines = goodsam("check-data", PRESET, *SMALL).out.splitlines()
    rows = [line.split() for line in lines if line.startswith(("split", "train", "val", "test"))]
    assert rows[0] == ["split", "images", "labelled", "faults", "twice", "void"]
    assert rows[1] == ["train", "2", "0", "0", "0"]
    assert rows[2][:6] == ["val", "1", "1", "0", "0", "25.0%"]
    assert "never labelled: pole, traffic light" in " ".join(rows[2])
    assert rows[3] == ["test", "1", "the", "files", "of", "val"]
    assert lines[-1] == "all can be read"


def test_what_is_wrong_is_told_as_text_and_as_json(goodsam, data, capsys):
    leaked = data / "leftImg8bit/train/Oslo/leaked.png"
    leaked.write_bytes((data / "leftImg8bit/val/cs/0_.png").read_bytes())
    broken = data / "leftImg8bit/train/Oslo/1.png"
    broken.write_bytes(broken.read_bytes()[:900])
    assert status_of(goodsam, PRESET, *SMALL) == 1
    text = capsys.readouterr().out
    assert "train: 1 of 3 images cannot be used\n  broken  data/DensePASS" in text
    assert "trained on and scored, the same pixels: 1\n  train data/DensePASS" in text
    assert text.endswith("something would stop a training or a test: see above\n")
    assert status_of(goodsam, PRESET, "--json", *SMALL) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["usable"]
    assert [each["kind"] for each in found["splits"]["train"]["faults"]] == ["broken"]
    assert [each["split"] for each in found["leaks"][0]] == ["train", "val"]
    assert found["splits"]["val"]["void"] == found["splits"]["val"]["files"][0]["void"] == 0.25
    assert found["splits"]["test"]["same_as"] == "val"
    broken.unlink()
    assert json.loads(goodsam("check-data", PRESET, "--json=true", *SMALL).out)["usable"]


def test_only_some_splits(goodsam, data):
    (data / "leftImg8bit/train/Oslo/1.png").write_bytes(b"")
    out = goodsam("check-data", PRESET, "--splits", "val", "--json", *SMALL).out
    assert [*json.loads(out)["splits"]] == ["val"]


def test_a_missing_folder_is_a_fault_of_each_split(goodsam, workplace, capsys):
    assert status_of(goodsam, PRESET, *SMALL) == 1
    assert capsys.readouterr().out.count("data/DensePASS: no such folder") == 3


def test_mistakes_of_the_command_line(goodsam, fails, data, workplace):
    assert "'dev' is none of train, val, test" in fails("check-data", PRESET, "--splits", "dev")
    assert "Did you mean" in fails("check-data", PRESET, "--data.init_args.num_worker", "0")
    assert "goodsam check-data: error" in fails("check-data", "nowhere.yaml")
    (workplace / "other.yaml").write_text("data: {class_path: street_fakes.FakeData}\n")
    assert "FakeData does not say which files it reads" in fails("check-data", "other.yaml")


def test_help_needs_no_configuration(goodsam):
    assert goodsam("check-data").out == goodsam("check-data", "--help").out
    assert entry.is_ours("check-data")


def test_many_faults_are_cut_short_in_text(goodsam, data, capsys, monkeypatch):
    monkeypatch.setattr(told, "_NAMED", 1)
    for name in "01":
        (data / f"leftImg8bit/train/Oslo/{name}.png").write_bytes(b"x")
    assert status_of(goodsam, PRESET, *SMALL) == 1
    assert "  and 1 more: --json has all" in capsys.readouterr().out
