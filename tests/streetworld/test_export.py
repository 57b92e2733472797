from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.masks.coco_file import CocoFile
from goodsam_pl.streetworld import Equirectangular, build_scene, make_city, render, view
from goodsam_pl.streetworld.export import export
from goodsam_pl.streetworld.label_encodings import instance_ids
from goodsam_pl.taxonomy import CITYSCAPES_TRAIN_IDS, get_taxonomy

SIZES = {"source_size": (32, 64), "panorama_size": (24, 128)}
COUNTS = {
    "source_train": 2,
    "source_val": 1,
    "target_train": 2,
    "target_val": 1,
    "target_test": 1,
}


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "world"
    export(out, **COUNTS, **SIZES, workers=1)
    return out


def test_folders_follow_cityscapes_and_densepass(exported):
    city, passes = "cityscapes", "densepass"
    kinds = ("labelTrainIds", "labelIds", "instanceIds", "color")
    expected = {"streetworld.json"}
    for split, seeds in (("train", (0, 1)), ("val", (100_000,))):
        for seed in seeds:
            stem = f"{split}/source/source_{seed:06d}_000000"
            expected.add(f"{city}/leftImg8bit/{stem}_leftImg8bit.png")
            expected |= {f"{city}/gtFine/{stem}_gtFine_{kind}.png" for kind in kinds}
    for split, seeds in (("train", (50_000, 50_001)), ("val", (150_000,)), ("test", (250_000,))):
        for seed in seeds:
            expected.add(f"{passes}/leftImg8bit/{split}/target_{seed:07d}_.png")
            if split != "train":
                expected.add(f"{passes}/gtFine/{split}/target_{seed:07d}_labelTrainIds.png")
    assert set(contents(exported)) == expected


def test_the_label_files_agree(exported):
    stem = exported / "cityscapes/gtFine/train/source/source_000001_000000_gtFine_"
    train_ids, label_ids, instances, colour = (
        np.array(Image.open(f"{stem}{kind}.png"))
        for kind in ("labelTrainIds", "labelIds", "instanceIds", "color")
    )
    assert train_ids.shape == (32, 64)
    assert np.array_equal(CITYSCAPES_TRAIN_IDS[label_ids], train_ids)
    assert np.array_equal(np.where(instances < 1000, instances, instances // 1000), label_ids)
    assert np.array_equal(get_taxonomy("cityscapes-19").colorize(train_ids), colour)


def test_instances_are_counted_from_zero_within_a_class():
    seen = view(200_005, make_city("source"), "equirectangular")
    encoded = instance_ids(seen)
    cars = np.unique(encoded[seen.label == 13])
    assert cars.tolist() == list(range(26_000, 26_000 + len(cars)))
    assert len(cars) == len(np.unique(seen.instance[seen.label == 13]))
    assert np.unique(encoded[seen.label == 0]).tolist() == [7]


def test_any_number_of_workers_writes_the_same_bytes(exported, tmp_path):
    export(tmp_path, **COUNTS, **SIZES, workers=2)
    assert contents(tmp_path) == contents(exported)


def test_what_is_there_stays_and_what_is_missing_is_drawn(exported, tmp_path):
    before = contents(exported)
    stay = exported / "densepass/leftImg8bit/test/target_0250000_.png"
    lost = exported / "densepass/leftImg8bit/val/target_0150000_.png"
    untouched = stay.stat().st_mtime_ns
    lost.unlink()
    export(exported, **COUNTS, **SIZES, workers=1)
    assert contents(exported) == before
    assert stay.stat().st_mtime_ns == untouched


def test_instances_come_when_asked_and_mean_nothing(exported, tmp_path):
    export(tmp_path, **COUNTS, **SIZES, workers=1)
    export(tmp_path, **COUNTS, **SIZES, workers=1, instances=True)
    added = contents(tmp_path).keys() - contents(exported).keys()
    assert added == {
        f"instances/{split}/target_{seed:07d}_.png"
        for split, seeds in (("train", (50_000, 50_001)), ("val", (150_000,)), ("test", (250_000,)))
        for seed in seeds
    }
    assert {name: contents(tmp_path)[name] for name in contents(exported)} == contents(exported)
    export(tmp_path, **COUNTS, **SIZES, workers=1)  # without: what is there stays
    assert added <= contents(tmp_path).keys()
    maps = {
        path.name: np.array(Image.open(path)) for path in (tmp_path / "instances").rglob("*.png")
    }
    scene = build_scene(150_000, make_city("target", 1.0))
    seen = render(scene, Equirectangular((24, 128), 67.5))
    found = maps["target_0150000_.png"]
    assert found.dtype == np.uint16
    pairs = np.unique(np.stack([found.ravel(), seen.instance.ravel()]), axis=1)
    assert pairs.shape[1] == found.max() + 1 == len(np.unique(seen.instance))
    # neither sky nor road has the same number everywhere, as it has in the scene
    corners = {int(each[0, 0]) for each in maps.values()}
    assert len(corners) > 1


def test_an_export_can_grow_but_not_change(exported, tmp_path):
    less = {**COUNTS, "source_train": 1, "target_train": 0}
    export(tmp_path, **less, **SIZES, workers=1)
    export(tmp_path, **COUNTS, **SIZES, workers=1)
    assert contents(tmp_path) == contents(exported)
    with pytest.raises(FileExistsError, match=r"source_train=2 instead of 1.*--overwrite"):
        export(tmp_path, **less, **SIZES, workers=1)
    with pytest.raises(FileExistsError, match=r"severity=1.0 instead of 0.5"):
        export(tmp_path, **COUNTS, **SIZES, severity=0.5, workers=1)
    export(tmp_path, **less, **SIZES, severity=0.5, workers=1, overwrite=True)
    assert json.loads((tmp_path / "streetworld.json").read_text())["settings"]["severity"] == 0.5
    assert len(contents(tmp_path)) == len(contents(exported)) - 5 - 2


def test_folders_of_others_are_left_alone(tmp_path):
    mine = tmp_path / "cityscapes" / "precious.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="no StreetWorld export"):
            export(tmp_path, **COUNTS, **SIZES, workers=1, overwrite=overwrite)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"severity": 2.0}, "severity"),
        ({"source_train": -1}, "source_train=-1"),
        ({"target_test": 50_001}, "target_test=50001"),
        ({"panorama_size": (0, 64)}, "panorama_size"),
        ({"horizontal_fov": 180.0}, "horizontal_fov"),
        ({"vertical_fov": 0.0}, "vertical_fov"),
        ({"workers": 0}, "workers=0"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(tmp_path, argument, message):
    with pytest.raises(ValueError, match=message):
        export(tmp_path / "new", **argument)
    assert not (tmp_path / "new").exists()


def test_pretraining_images_are_training_images_of_other_seeds(tmp_path):
    export(tmp_path, **dict.fromkeys(COUNTS, 0), source_pretrain=2, **SIZES, workers=1)
    names = sorted(path.name for path in (tmp_path / "cityscapes").rglob("*leftImg8bit.png"))
    assert names == [f"source_{seed}_000000_leftImg8bit.png" for seed in (300_000, 300_001)]
    assert {path.parent.parent.name for path in tmp_path.rglob("*leftImg8bit.png")} == {"train"}


def test_boxes_may_be_added_and_say_what_the_labels_say(tmp_path):
    out = tmp_path / "world"
    export(out, **COUNTS, **SIZES, workers=1)
    before = contents(out)
    export(out, **COUNTS, **SIZES, workers=1, boxes=True)
    assert before.items() <= contents(out).items()
    file = CocoFile(out / "boxes")
    assert len(file.paths) == 4
    classes = get_taxonomy("cityscapes-19")
    for path in (out / "densepass/gtFine").rglob("*_labelTrainIds.png"):
        image = file.image(path.name.removesuffix("labelTrainIds.png"))
        drawn = np.full(image.size, 255)
        for thing in image.annotations:
            drawn[image.mask(thing, image.size)] = classes.index(thing.category)
        np.testing.assert_array_equal(drawn, np.asarray(Image.open(path)))
    assert len(file.image("train/target_0050001_").annotations) > 5
