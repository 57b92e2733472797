from __future__ import annotations

import errno
import logging
import os

import pytest

from goodsam_pl.data.listing import list_images


def found(root):
    return [image.relative_to(root).as_posix() for image in list_images(root).images]


def test_a_link_to_a_folder_on_the_way_is_not_followed_again(tmp_path, write_image):
    write_image("root/a.png")
    write_image("root/b/c.png")
    (tmp_path / "root/self").symlink_to(".")
    (tmp_path / "root/b/up").symlink_to("..")
    (tmp_path / "root/b/up2").symlink_to(tmp_path / "root")
    (tmp_path / "root/never").symlink_to("never")
    assert found(tmp_path / "root") == ["a.png", "b/c.png"]


def test_a_folder_with_two_ways_to_it_is_listed_under_its_own(tmp_path, write_image):
    write_image("root/z/a.png")
    write_image("elsewhere/e.png")
    (tmp_path / "root/a").symlink_to("z")
    (tmp_path / "root/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/c").symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "root") == ["b/e.png", "z/a.png"]
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert found(tmp_path / "link") == ["b/e.png", "z/a.png"]


def test_folders_of_systems_and_results_are_left_out_and_said_once(tmp_path, write_image, caplog):
    kept = ["a.png", "my@eaDir/b.png", "recycle/c.png"]
    left_out = [
        *(
            "@eaDir/a.png/SYNO_THUMB.jpg",
            "$RECYCLE.BIN/d.png",
            "x/#recycle/e.png",
            "@Recycle/f.png",
        ),
        *("System Volume Information/g.png", "lost+found/h.png", "__MACOSX/i.png"),
        *("wandb/run-1/files/media/j.png", "lightning_logs/version_0/k.png"),
        *("run/predictions/labels/a.png", "run/predictions/overlays/a.png"),
    ]
    hidden = [
        ".ipynb_checkpoints/l.png",
        ".Trash-1000/files/m.png",
        "._a.png",
        "x/.thumbnails/n.png",
    ]
    for name in (*kept, *left_out, *hidden):
        write_image(name)
    (tmp_path / "run/predictions/.goodsam").touch()
    assert found(tmp_path) == kept
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    for name in ("@eaDir (made by the system", "lost+found", "predictions (results of goodsam_pl)"):
        assert name in record.getMessage()
    assert ".Trash" not in record.getMessage()
    listing = list_images(tmp_path)
    assert len(caplog.records) == 1
    assert listing.left_out[tmp_path / "run/predictions"] == "results of goodsam_pl"
    assert len(listing.left_out) == 10


def test_results_are_listed_where_they_are_asked_for(tmp_path, write_image):
    write_image("labels/a.png")
    (tmp_path / "labels/.goodsam").touch()
    assert found(tmp_path) == []
    assert found(tmp_path / "labels") == ["a.png"]


def test_pictures_of_masks_are_left_out_beside_their_images(tmp_path, write_image):
    for name in ("deep/a.jpg", "a_masks.png", "b_masks.png"):
        write_image(name)
    assert found(tmp_path) == ["b_masks.png", "deep/a.jpg"]


def test_what_is_passed_over_is_counted(tmp_path, write_image):
    write_image("a.png")
    for name in ("b.MP4", "c/d.mp4", "e.insp", "f.HEIC", "notes.txt", ".hidden.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    listing = list_images(tmp_path)
    assert listing.passed_over == {".heic": 1, ".insp": 1, ".mp4": 2}
    assert listing.describe_passed_over() == "1 .heic, 1 .insp, 2 .mp4"


def test_what_is_no_file_is_no_image_and_lost_links_are(tmp_path, write_image):
    write_image("a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "lost.png").symlink_to("gone.png")
    (tmp_path / "folder.png").mkdir()
    assert found(tmp_path) == ["a.png", "lost.png"]


def test_every_folder_that_cannot_be_listed_is_named(tmp_path, write_image, monkeypatch):
    for name in ("a/1.png", "b/2.png", "c/d/3.png"):
        write_image(name)
    closed = {tmp_path / "b", tmp_path / "c/d"}
    scandir = os.scandir

    def scan(path):
        if path in closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(PermissionError) as error:
        list_images(tmp_path)
    assert str(error.value).startswith(f"2 of the folders in {tmp_path} cannot be listed, their i")
    for path in closed:
        assert f"{path} (Permission denied)" in str(error.value)
    closed.add(tmp_path)
    with pytest.raises(PermissionError, match=r"1 of the folders in .* cannot be listed"):
        list_images(tmp_path)
