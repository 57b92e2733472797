"""A store opens for what it was made for, names what is wrong, and survives kills and races."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from goodsam_pl.atomic import PART_SUFFIX
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam import MaskStore, MaskStoreError, SegmentAnything, image_key


@pytest.fixture
def store(tmp_path: Path, grid: WindowGrid, brightness) -> MaskStore:
    return MaskStore.create(tmp_path / "masks", grid, brightness())


@pytest.fixture
def filled(store: MaskStore, panoramas: list[Path], reader, brightness) -> MaskStore:
    for path in panoramas[:2]:
        windows = store.windows.extract(reader(path)[None])[0]
        store.write(image_key(path), path.name, brightness().propose(windows))
    return store


def test_the_key_is_the_hash_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    assert image_key(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_masks_come_back_window_by_window(
    filled: MaskStore, panoramas: list[Path], reader, brightness
) -> None:
    key = image_key(panoramas[1])
    windows = filled.windows.extract(reader(panoramas[1])[None])[0]
    expected = brightness().propose(windows)
    found = filled.read(key)
    layers = filled.layers(key)
    assert len(found) == len(layers) == 4
    for before, after, own in zip(expected, found, layers, strict=True):
        assert torch.equal(before.binary(), after.binary())
        assert torch.equal(own[: len(before.layers)], before.layers)


def test_a_store_knows_what_it_has(filled: MaskStore, panoramas: list[Path]) -> None:
    keys = [image_key(path) for path in panoramas]
    assert [key in filled for key in keys] == [True, True, False, False, False]
    assert sorted(filled) == sorted(keys[:2])
    assert len(filled) == 2
    with pytest.raises(KeyError, match=keys[4]):
        filled.read(keys[4])


def test_it_opens_again_with_the_same_windows_and_proposer(
    filled: MaskStore, grid: WindowGrid, brightness
) -> None:
    again = MaskStore.open(filled.root)
    assert again.windows == grid
    assert isinstance(again.windows, WindowGrid)
    assert again.proposer == brightness().describe()
    assert again.fingerprint == brightness().fingerprint
    assert len(MaskStore.create(filled.root, grid, brightness())) == 2


def test_other_windows_are_refused_by_name(filled: MaskStore, brightness) -> None:
    other = WindowGrid.cover((16, 48), (16, 16), (16, 8))
    with pytest.raises(MaskStoreError, match=r"stride is \[16, 12\] there and \[16, 8\] here"):
        MaskStore.create(filled.root, other, brightness())


def test_another_proposer_is_refused_by_name(
    filled: MaskStore, grid: WindowGrid, brightness
) -> None:
    with pytest.raises(MaskStoreError, match="levels is 60 120 180 there and 10 here"):
        MaskStore.create(filled.root, grid, brightness((10,)))
    with pytest.raises(MaskStoreError, match="points_per_side is None there and 12 here"):
        MaskStore.create(filled.root, grid, SegmentAnything("vit_h"))


def test_no_store_is_an_error_that_says_who_makes_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="PrecomputeSAM"):
        MaskStore.open(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "windows": {}}'])
def test_a_damaged_manifest_is_named(filled: MaskStore, text: str) -> None:
    (filled.root / "store.json").write_text(text)
    with pytest.raises(MaskStoreError, match=r"store\.json.* delete the folder"):
        MaskStore.open(filled.root)


def test_a_store_of_another_format_is_refused(filled: MaskStore) -> None:
    path = filled.root / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(MaskStoreError, match="format 99"):
        MaskStore.open(filled.root)


def test_every_damage_to_a_record_is_found_and_named(
    filled: MaskStore, panoramas: list[Path]
) -> None:
    key = image_key(panoramas[0])
    path = filled.path(key)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(MaskStoreError, match=f"{key}.npz cannot be used"):
            filled.read(key)
    for place in range(0, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            found = filled.read(key)
        except MaskStoreError:
            continue
        # some bytes of a zip mean nothing, such as dates: then the masks must be right
        path.write_bytes(whole)
        for before, after in zip(filled.read(key), found, strict=True):
            assert torch.equal(before.layers, after.layers)
            assert torch.equal(before.predicted_iou, after.predicted_iou)


def test_a_record_under_another_name_is_refused(filled: MaskStore, panoramas: list[Path]) -> None:
    own, other = image_key(panoramas[0]), image_key(panoramas[4])
    filled.path(other).parent.mkdir(parents=True, exist_ok=True)
    filled.path(other).write_bytes(filled.path(own).read_bytes())
    with pytest.raises(MaskStoreError, match="key is"):
        filled.layers(other)


def test_a_record_of_another_proposer_is_refused(
    filled: MaskStore, panoramas: list[Path], tmp_path: Path, brightness
) -> None:
    other = MaskStore.create(tmp_path / "other", filled.windows, brightness((10,)))
    key = image_key(panoramas[0])
    other.path(key).parent.mkdir(parents=True)
    other.path(key).write_bytes(filled.path(key).read_bytes())
    with pytest.raises(MaskStoreError, match="fingerprint is"):
        other.layers(key)


def test_what_a_killed_process_left_is_ignored(filled: MaskStore, panoramas: list[Path]) -> None:
    key = image_key(panoramas[0])
    part = filled.path(key).with_name(f".{key}.npz.abc{PART_SUFFIX}")
    part.write_bytes(b"half")
    assert sorted(filled) == sorted(image_key(path) for path in panoramas[:2])
    assert len(filled.read(key)) == 4


def test_masks_must_fit_the_windows(store: MaskStore, brightness) -> None:
    found = brightness().propose(torch.full((3, 3, 16, 16), 255, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"a\.png: 3 windows"):
        store.write("0" * 64, "a.png", found)


WRITER = """
import sys, torch
from pathlib import Path
from goodsam_pl.sam import MaskStore, WindowMasks
store, score = MaskStore.open(Path(sys.argv[1])), torch.full((3,), float(sys.argv[2]))
binary = torch.rand(4, 3, 16, 16) > 0.5
masks = [WindowMasks.pack(window, score, score) for window in binary]
for _ in range(10):
    store.write(sys.argv[3], "shared", masks)
"""


def test_two_processes_may_write_the_same_record(store: MaskStore) -> None:
    key = "ab" * 32
    command = [sys.executable, "-c", WRITER, str(store.root)]
    writers = [subprocess.Popen([*command, score, key]) for score in ("0.25", "0.5")]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if key in store:
            scores = {float(masks.predicted_iou[0]) for masks in store.read(key)}
            assert len(scores) == 1
            seen |= scores
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen <= {0.25, 0.5}
    assert [path.name for path in store.path(key).parent.iterdir()] == [f"{key}.npz"]


def test_another_view_of_the_same_files_is_refused(
    filled: MaskStore, grid: WindowGrid, brightness
) -> None:
    with pytest.raises(MaskStoreError, match=r"vertical_fov is None there and 67\.5 here"):
        MaskStore.create(filled.root, grid, brightness(), {"vertical_fov": 67.5})
