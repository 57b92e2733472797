"""Targets come back as they were stored, and turn along with their panorama."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile

import numpy as np
import pytest
import torch

from goodsam_pl.data import TargetStore, TeacherTargets, Turn
from goodsam_pl.files import KnownFiles
from goodsam_pl.geometry import CrossedWindows, WindowGrid, extract_families

WINDOWS = WindowGrid.cover((8, 32), (8, 8), (8, 8))


def _targets() -> TeacherTargets:
    whole = torch.randint(0, 19, (8, 32), dtype=torch.uint8)
    return TeacherTargets(
        whole=whole,
        ensemble=(WINDOWS.extract(whole[None])[0],),
        weight=(WINDOWS.extract((whole[None] > 9).to(torch.uint8))[0],),
        boundary=whole > 15,
    )


def _assert_same(read: TeacherTargets, expected: TeacherTargets) -> None:
    for one, other in zip(read, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)  # of tuples, each tensor


def test_what_is_read_is_what_was_written(tmp_path):
    store, targets = TargetStore(tmp_path, "f" * 64), _targets()
    assert "key" not in store
    store.write("key", targets)
    assert "key" in store
    _assert_same(store.read("key"), targets)


def test_targets_of_other_teachers_stand_apart(tmp_path):
    TargetStore(tmp_path, "f" * 64).write("key", _targets())
    assert "key" not in TargetStore(tmp_path, "e" * 64)


def test_targets_of_other_masks_of_a_panorama_stand_apart(tmp_path):
    for masks in ("a" * 64, "b" * 64):
        store = TargetStore(tmp_path, "f" * 64, {"key": masks})
        assert "key" not in store
        store.write("key", _targets())
        assert "key" in store
    assert store.path("key").name == f"key.{'b' * 16}.npz"
    assert "other" not in store


def test_missing_and_damaged_files_are_named(tmp_path):
    store = TargetStore(tmp_path, "f" * 64)
    with pytest.raises(FileNotFoundError, match=r"key\.npz is missing: put .*PrecomputeTeacher"):
        store.read("key")
    store.write("key", _targets())
    store.path("key").write_bytes(store.path("key").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"key\.npz cannot be used .*PrecomputeTeacher makes it"):
        store.read("key")


@pytest.mark.parametrize("turn", [Turn(), Turn(8), Turn(24, mirror=True)])
def test_windows_of_turned_targets_are_those_of_the_turned_panorama(turn):
    turned = _targets().turned(turn, WINDOWS)
    assert torch.equal(turned.ensemble[0], WINDOWS.extract(turned.whole[None])[0])
    assert torch.equal(turned.weight[0].bool(), turned.ensemble[0] > 9)
    assert torch.equal(turned.boundary, turned.whole > 15)


def test_soft_targets_turn_at_their_stride():
    whole = torch.randint(0, 256, (5, 2, 8), dtype=torch.uint8)  # stride 4 of 8 × 32
    full = whole.repeat_interleave(4, 1).repeat_interleave(4, 2)
    targets = _targets()._replace(whole=whole)
    for turn in (Turn(8), Turn(24, mirror=True)):
        turned = targets.turned(turn, WINDOWS).whole
        assert torch.equal(turned, turn.pixels(full)[:, ::4, ::4])
    with pytest.raises(ValueError, match=r"roll by 6 pixels falls between targets .* 4 pixels"):
        Turn(6).at_stride(4)


CROSSED = CrossedWindows.cover((8, 32), (4, 16), (4, 8), (8, 8), (8, 8))


def test_targets_of_two_families_are_stored_and_turn(tmp_path):
    targets = _targets()
    both = targets._replace(
        ensemble=tuple(each[0] for each in extract_families(targets.whole[None], CROSSED)),
        weight=tuple(each[0] for each in extract_families((targets.whole > 9)[None], CROSSED)),
    )
    store = TargetStore(tmp_path, "f" * 64)
    store.write("key", both)
    read = store.read("key")
    for name in ("ensemble", "weight"):
        pairs = zip(getattr(read, name), getattr(both, name), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
    turned = read.turned(Turn(8, mirror=True), CROSSED)
    for part, grid in zip(turned.ensemble, CROSSED.families, strict=True):
        assert torch.equal(part, grid.extract(turned.whole[None])[0])


def test_every_damage_to_a_file_is_found_and_named(tmp_path):
    torch.manual_seed(0)
    store, targets = TargetStore(tmp_path, "f" * 64), _targets()
    store.write("key", targets)
    path = store.path("key")
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        cut = whole[:place]
        flipped = cut + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
        for damaged in (cut, flipped):
            path.write_bytes(damaged)
            try:
                read = store.read("key")
            except ValueError as error:
                assert f"{path} cannot be used" in str(error)  # noqa: PT017
                continue
            # of what an archive says of a member some bytes mean nothing, as its time
            assert damaged is flipped
            _assert_same(read, targets)


def test_a_whole_file_is_read_once_and_a_damaged_one_is_no_target(tmp_path, monkeypatch):
    store = TargetStore(tmp_path, "f" * 64)
    store.write("key", _targets())
    monkeypatch.setattr(TargetStore, "read", lambda *_: pytest.fail("read again"))
    assert store.known_damage("key") is None
    store.known.save()
    KnownFiles.forget()
    again = TargetStore(tmp_path, "f" * 64)
    assert again.known_damage("key") is None
    monkeypatch.undo()
    again.path("key").write_bytes(b"")
    assert "key.npz cannot be used" in str(again.known_damage("key"))
    assert "key" not in again


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = TargetStore(tmp_path, "f" * 64)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="the disk is full: make room and run the same command"):
        store.write("key", _targets())
    assert list(store.folder.iterdir()) == []


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "whole",
            _npy(np.zeros((2, 2), np.uint8)).replace(b"(2, 2)", b"(9, 9)"),
            "not of the size",
        ),
        ("whole", _npy(np.zeros((8, 32))), "are not bytes"),
        ("whole", _npy(np.zeros(8, np.uint8)), "no maps"),
        ("whole", _npy(np.array([{}], object)), "holds no numbers but object"),
        ("whole", b"cos\nsystem\n", "magic"),
        ("ensemble", _npy(np.zeros((1, 8, 8), np.uint8)), "of the same windows"),
        ("weight", None, "weight.npy"),
        ("boundary", _npy(np.zeros((8, 32), np.uint8)), "no map of true and false"),
    ],
)
def test_archives_that_lie_are_refused_by_name(tmp_path, name, content, told):
    store = TargetStore(tmp_path, "f" * 64)
    store.write("key", _targets())
    with zipfile.ZipFile(store.path("key")) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    members[f"{name}.npy"] = content
    with zipfile.ZipFile(store.path("key"), "w", zipfile.ZIP_DEFLATED) as archive:
        for each, part in members.items():
            if part is not None:
                archive.writestr(each, part)
    assert store.path("key").stat().st_size < 1e6
    with pytest.raises(ValueError, match=rf"key\.npz cannot be used \(.*{told}.*\): start again"):
        store.read("key")


def test_an_archive_that_would_unpack_to_gigabytes_is_refused(tmp_path):
    store = TargetStore(tmp_path, "f" * 64)
    store.write("key", _targets())
    content = store.path("key").read_bytes()
    claimed = content.replace(struct.pack("<I", 128 + 8 * 32), struct.pack("<I", 1 << 30))
    store.path("key").write_bytes(claimed)
    with pytest.raises(ValueError, match=r"used \([\d,]+ bytes that would unpack to \d,\d"):
        store.read("key")
