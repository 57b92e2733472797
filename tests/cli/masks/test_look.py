"""What is in a store, and what is wrong with it."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.cli.masks import look
from goodsam_pl.data.listing import list_images
from goodsam_pl.files import Stamp
from goodsam_pl.masks import MaskStore, image_key
from goodsam_pl.masks.known_quality import known_quality, total_known


@pytest.fixture
def panoramas(stored):
    return stored(3)


def test_info_tells_what_the_masks_are_of(panoramas, goodsam):
    lines = dict(
        re.split(r"  +", line, maxsplit=1)
        for line in goodsam("masks", "info", "masks").out.splitlines()
    )
    assert lines["panoramas"] == "3 of 24×128, 8 windows of 24×24"
    assert lines["proposer"] == "felzenszwalb"
    assert lines["vertical_fov"] == "67.5°"
    store = MaskStore.open(panoramas[0].parents[1] / "masks")
    assert lines["bytes"].startswith(f"{sum(store.path(key).stat().st_size for key in store)}, ")
    known = total_known(known_quality(store.read(key)) for key in store)
    assert lines["covered"] == f"{known.covered:.1%} of the pixels" == "100.0% of the pixels"
    scores = f"predicted IoU {known.predicted_iou:.2f}, stability {known.stability:.2f}"
    assert lines["mean scores"] == scores
    assert lines["agreement"] == f"{known.agreement:.2f} of overlapping masks"
    assert lines["masks"].startswith(
        f"{sum(len(window) for key in store for window in store.read(key))}, "
    )


def test_info_as_json_has_the_same_numbers(panoramas, goodsam):
    found = json.loads(goodsam("masks", "info", "masks", "--json").out)
    store = MaskStore.open(panoramas[0].parents[1] / "masks")
    known = total_known(known_quality(store.read(key)) for key in store)
    assert found["panoramas"] == found["looked_into"] == 3
    assert found["size"] == [24, 128]
    assert found["window_size"] == [24, 24]
    assert found["masks"] == known.masks
    assert found["bytes"] == sum(store.path(key).stat().st_size for key in store)
    assert found["covered"] == known.covered == 1
    assert found["agreement"] == known.agreement
    assert found["proposer"]["proposer"] == "felzenszwalb"
    assert found["vertical_fov"] == 67.5
    assert found["fingerprint"] == store.fingerprint


def test_info_looks_into_some_of_a_large_store(panoramas, goodsam, monkeypatch, workplace):
    monkeypatch.setattr(look, "_LOOKED_INTO", 2)
    told = goodsam("masks", "info", "masks").out
    assert "100.0% of the pixels, of 2 panoramas, as the next two" in told
    store = MaskStore.open(workplace / "masks")
    path = store.path(next(iter(store)))
    path.write_bytes(path.read_bytes()[:-1])  # `verify` tells of it
    assert "of the pixels, of 1 panoramas" in goodsam("masks", "info", "masks").out


def test_verify_names_damaged_records(panoramas, goodsam, fails, workplace):
    assert "3 records, all whole" in goodsam("masks", "verify", "masks").out
    path = MaskStore.open(workplace / "masks").path(image_key(panoramas[1]))
    path.write_bytes(path.read_bytes()[:-1])
    error = fails("masks", "verify", "masks")
    assert "1 of 3 records are damaged:" in error
    assert path.name in error
    assert "its scores are damaged" in error


def test_verify_as_json_names_them_and_ends_with_the_same_status(
    panoramas, goodsam, capsys, workplace
):
    whole = {"records": 3, "damaged": {}, "gone": {}, "strays": {}, "unfinished": {}}
    assert json.loads(goodsam("masks", "verify", "masks", "--json").out) == {
        **whole,
        "changed": None,
    }
    words = ("masks", "verify", "masks", "--content", "images", "--json", "true")
    assert json.loads(goodsam(*words).out) == {**whole, "changed": []}
    path = MaskStore.open(workplace / "masks").path(image_key(panoramas[1]))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SystemExit) as end:
        goodsam("masks", "verify", "masks", "--json")
    assert end.value.code == 2
    found = json.loads(capsys.readouterr().out)
    assert {Path(each).name for each in found["damaged"]} == {path.name}
    assert "damaged" in next(iter(found["damaged"].values()))


def test_show_draws_masks_over_the_panorama(panoramas, goodsam, fails, workplace):
    out = goodsam("masks", "show", "images/01.png", "masks").out
    assert out.endswith("masks: 01_masks.png\n")
    picture = np.asarray(Image.open(workplace / "01_masks.png"))
    before = np.asarray(Image.open(panoramas[1]))
    assert picture.shape == before.shape
    assert (picture != before).any(axis=2).mean() > 0.9
    Image.fromarray(before[:, ::-1].copy()).save(workplace / "other.png")
    assert "has no masks of other.png" in fails("masks", "show", "other.png", "masks")


def test_pictures_of_masks_are_no_panoramas(panoramas, goodsam, fails, workplace):
    goodsam("masks", "show", "images/01.png", "masks", "--out", "images/seen_masks.png")
    assert list_images(workplace / "images").images == tuple(
        workplace / "images" / f"{index:02}.png" for index in range(3)
    )
    error = fails("masks", "show", "images/01.png", "masks", "--out", "images/seen.png")
    assert "images/seen.png would be one of the panoramas of its folder" in error
    assert "or images/01_masks.png" in error
    assert "name it so: seen.png" in fails(
        "masks", "show", "images/01.png", "masks", "--out", "seen.jpg"
    )
    assert "images/77.png: no such file" in fails("masks", "show", "images/77.png", "masks")


@pytest.mark.parametrize("verb", ["info", "verify", "export", "show"])
def test_a_store_that_is_none(verb, panoramas, fails, workplace):
    words = ("masks", verb, *(["images/01.png"] if verb == "show" else []))
    more = ["out"] if verb == "export" else []
    assert "nowhere: no such folder" in fails(*words, "nowhere", *more)
    assert "images: no masks in it" in fails(*words, "images", *more)
    assert "images/01.png is a file: name a folder" in fails(*words, "images/01.png", *more)


def test_verify_finds_panoramas_that_changed_without_showing_it(
    panoramas, goodsam, fails, workplace
):
    command = ("masks", "verify", "masks", "--content", panoramas[0].parent)
    assert "3 panoramas, all what they are taken for" in goodsam(*command).out
    keys = MaskStore.open(workplace / "masks").keys.known
    keys.remember(panoramas[1], Stamp.of(panoramas[1]), image_key(panoramas[0]))
    error = fails(*command)
    assert "1 of 3 panoramas are not what they were taken for:" in error
    assert str(panoramas[1]) in error
    assert "3 panoramas, all what they are taken for" in goodsam(*command).out


def test_verify_tells_what_is_gone_what_is_none_and_what_is_unfinished(
    panoramas, goodsam, fails, workplace
):
    store = MaskStore.open(workplace / "masks")
    with store.claim(image_key(panoramas[2])):
        told = goodsam("masks", "verify", "masks").out
        assert "3 records, all whole" in told
        assert "unfinished, and whose:" in told
        assert f"process {os.getpid()} on " in told
    gone, stray = (store.path(image_key(panorama)) for panorama in panoramas[:2])
    gone.unlink()
    shutil.copy(stray, stray.with_name("copy.masks"))
    error = fails("masks", "verify", "masks")
    assert f"1 records are gone:\n  {gone.relative_to(workplace)}: it was whole" in error
    assert "copy.masks: its name is no key of an image\n" in error
    assert "compute anew what is damaged or gone" in error
    assert "unfinished" not in error
    assert "2 of 24×128" in goodsam("masks", "info", "masks").out


def test_a_store_that_is_only_read_is_looked_at(panoramas, goodsam, sizes, workplace, read_only):
    read_only(workplace / "masks")
    assert "3 records, all whole" in goodsam("masks", "verify", "masks").out
    assert "3 of 24×128" in goodsam("masks", "info", "masks").out
    words = ["masks", "compute", "images", "masks", "--mode", "window"]
    told = goodsam(*words, "--proposer", "mask_fakes.Diary", *sizes).out
    assert "0 panoramas computed, 3 had their masks already" in told
