"""A store opens for what it was made for, names what is wrong, and survives kills and races."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from goodsam_pl.files import fingerprint_of
from goodsam_pl.files.unfinished import part_name
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, MaskStoreError, WindowMasks, image_key
from goodsam_pl.masks.inventory import find_strays, find_unfinished, remove_rests
from goodsam_pl.sam import Felzenszwalb, SegmentAnything


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
    assert again.manifest.proposer == brightness().describe()
    assert again.fingerprint == filled.fingerprint
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


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 2, "windows": {}}', "[" * 100_000],
)
def test_a_damaged_manifest_is_named(filled: MaskStore, text: str) -> None:
    (filled.root / "store.json").write_text(text)
    with pytest.raises(MaskStoreError, match=r"store\.json.* delete the folder"):
        MaskStore.open(filled.root)


@pytest.mark.parametrize(
    "changed",
    [{"proposer": ["a"]}, {"view": {"vertical_fov": "x"}}, {"view": {"vertical_fov": 10**400}}],
)
def test_values_of_another_kind_in_a_manifest_are_named(filled: MaskStore, changed: dict) -> None:
    path = filled.root / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(MaskStoreError, match=r"store\.json.* damaged .* delete the folder"):
        MaskStore.open(filled.root)


def test_a_store_of_another_format_is_refused(filled: MaskStore) -> None:
    path = filled.root / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(MaskStoreError, match="format 99"):
        MaskStore.open(filled.root)


def test_a_manifest_changed_by_hand_is_refused(filled: MaskStore) -> None:
    path = filled.root / "store.json"
    path.write_text(path.read_text().replace("60 120 180", "60 120 190"))
    with pytest.raises(MaskStoreError, match="changed by hand"):
        MaskStore.open(filled.root)


def test_angles_and_thresholds_do_not_depend_on_how_they_are_written(
    tmp_path: Path, grid: WindowGrid, brightness
) -> None:
    MaskStore.create(tmp_path, grid, brightness(), {"vertical_fov": 67})
    MaskStore.create(tmp_path, grid, brightness(), {"vertical_fov": 67.0})
    for of in (
        lambda number: SegmentAnything(stability_offset=number),
        lambda number: Felzenszwalb(sigma=number),
    ):
        assert fingerprint_of(of(1).describe()) == fingerprint_of(of(1.0).describe())


def test_a_store_without_logits_is_another_one(
    filled: MaskStore, grid: WindowGrid, brightness
) -> None:
    with pytest.raises(MaskStoreError, match="logits is True there and False here"):
        MaskStore.create(filled.root, grid, brightness(), logits=False)


def test_every_damage_to_a_record_is_found_and_named(
    filled: MaskStore, panoramas: list[Path]
) -> None:
    key = image_key(panoramas[0])
    path = filled.path(key)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(MaskStoreError, match=f"{key}.masks cannot be used"):
            filled.read(key)
    for place in range(0, len(whole), 7):
        for flipped in (0x01, 0xFF):
            changed = bytes([whole[place] ^ flipped])
            path.write_bytes(whole[:place] + changed + whole[place + 1 :])
            assert f"{key}.masks cannot be used" in str(filled.damage(key))
    path.write_bytes(whole + b"x")
    assert "longer than it says" in str(filled.damage(key))
    path.write_bytes(whole)
    assert filled.damage(key) is None


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
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    name = part_name().replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    part = filled.path(key).with_name(name)
    part.write_bytes(b"half")
    own = part.with_name(part_name())
    own.touch()
    assert find_unfinished(filled.root).keys() == {part, own}
    assert find_unfinished(filled.root)[part].startswith(f"process {dead.pid} on ")
    assert sorted(filled) == sorted(image_key(path) for path in panoramas[:2])
    assert len(filled.read(key)) == 4
    remove_rests(filled.root)
    assert find_unfinished(filled.root).keys() == {own}


def test_masks_must_fit_the_windows(store: MaskStore, brightness) -> None:
    found = brightness().propose(torch.full((3, 3, 16, 16), 255, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"a\.png: 3 windows"):
        store.write("0" * 64, "a.png", found)


WRITER = """
import sys, torch
from pathlib import Path
from goodsam_pl.masks import MaskStore, WindowMasks
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
    assert [path.name for path in store.path(key).parent.iterdir()] == [f"{key}.masks"]


def test_another_view_of_the_same_files_is_refused(
    filled: MaskStore, grid: WindowGrid, brightness
) -> None:
    with pytest.raises(MaskStoreError, match=r"vertical_fov is None there and 67\.5 here"):
        MaskStore.create(filled.root, grid, brightness(), {"vertical_fov": 67.5})


def test_masks_of_a_whole_panorama_may_cross_the_seam_and_are_cut_into_any_windows(
    tmp_path: Path, grid: WindowGrid, brightness
) -> None:
    store = MaskStore.create(tmp_path, WindowGrid.cover((16, 48), (16, 48), (16, 48)), brightness())
    assert store.whole
    binary = torch.zeros(3, 16, 48, dtype=torch.bool)
    binary[0, 4:12, 40:] = binary[0, 4:12, :9] = True
    binary[1, 6:9, 44:] = True
    binary[2, :, 20:22] = True
    masks = WindowMasks.pack(binary, torch.rand(3), torch.rand(3))
    store.write("ab" * 32, "a.png", [masks])
    assert torch.equal(store.read("ab" * 32)[0].binary(), masks.binary())
    cut = store.layers("ab" * 32, grid)
    assert cut.shape == (4, 2, 16, 16)
    for index in range(len(masks)):
        expected = grid.extract(masks.binary()[index][None])[0]
        assert torch.equal((cut == index).any(dim=1), expected)


def test_a_full_disk_is_told_and_leaves_all_as_it_was(
    filled: MaskStore, panoramas: list[Path], brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = {path: path.read_bytes() for path in filled.root.rglob("*") if path.is_file()}
    masks = brightness().propose(torch.full((4, 3, 16, 16), 255, dtype=torch.uint8))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for key in (image_key(panoramas[0]), image_key(panoramas[4])):
            with pytest.raises(MaskStoreError, match="disk is full: make room and run"):
                filled.write(key, "a.png", masks)
    assert {path: path.read_bytes() for path in filled.root.rglob("*") if path.is_file()} == before
    filled.write(image_key(panoramas[4]), "a.png", masks)
    assert len(filled) == 3


@pytest.mark.parametrize("inodes", [True, False])
def test_a_disk_that_takes_no_more_files_is_told(
    filled: MaskStore, brightness, monkeypatch: pytest.MonkeyPatch, inodes: bool
) -> None:
    def full(path: object, *_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    free = os.statvfs_result([4096, 4096, 9, 9, 9, 9, 9, 0 if inodes else 9, 0, 255])
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    monkeypatch.setattr(os, "open", full)
    told = "takes no more files, its inodes are used up" if inodes else "the disk is full"
    with pytest.raises(MaskStoreError, match=f"{told}: make room"), filled.claim("ab" * 32):
        pytest.fail("it was granted")


def test_a_store_that_is_only_read_can_be_used_and_not_added_to(
    filled: MaskStore, panoramas: list[Path], grid: WindowGrid, brightness, read_only
) -> None:
    read_only(filled.root)
    again = MaskStore.create(filled.root, grid, brightness())
    assert [again.known_damage(key) for key in again] == [None, None]
    remove_rests(again.root)
    again.save_known()
    for other in (brightness((10,)), SegmentAnything("vit_h")):
        with pytest.raises(MaskStoreError, match="is of other masks"):
            MaskStore.create(filled.root, grid, other)
    masks = brightness().propose(torch.full((4, 3, 16, 16), 255, dtype=torch.uint8))
    with pytest.raises(MaskStoreError, match=r"cannot be written \(Read-only.*name another folder"):
        again.write("ab" * 32, "a.png", masks)


def test_what_is_no_record_is_told_and_never_read(filled: MaskStore, panoramas: list[Path]) -> None:
    keys = sorted(filled)
    record, other = filled.path(keys[0]), filled.path("ab" * 32)
    other.parent.mkdir()
    (filled.root / "records/zz").mkdir()
    strays = {
        filled.root / "records/zz" / record.name: f"its place is records/{keys[0][:2]}/",
        other.with_name("notes.masks"): "its name is no key of an image",
        other.with_name("d.masks"): "a folder",
        other: "a link that leads nowhere",
        filled.path("ac" * 32): "no file, but a pipe or a device",
    }
    copy, notes, folder, link, pipe = strays
    shutil.copy(record, copy)
    notes.write_text("hello")
    folder.mkdir()
    link.symlink_to("nowhere")
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    record.with_name("Thumbs.db").touch()
    assert find_strays(filled.root) == strays
    assert sorted(filled) == keys
    assert "ab" * 32 not in filled
    assert "ac" * 32 not in filled
