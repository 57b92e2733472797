"""What is known of a file holds as long as the file does not change, and no longer."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import time
from pathlib import Path

import pytest

from goodsam_pl.files import (
    ChangedFileError,
    ContentKeys,
    KnownFiles,
    Stamp,
    content_key,
    known_files,
)
from goodsam_pl.files import content_keys as module


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch):
    monkeypatch.setattr(KnownFiles, "_opened", {})


@pytest.fixture
def read(monkeypatch):
    """The files whose bytes were read, in order."""
    files: list[str] = []

    def counted(path: Path) -> str:
        files.append(path.name)
        return content_key(path)

    monkeypatch.setattr(module, "content_key", counted)
    return files


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def later(monkeypatch):
    """The clock of those who judge is ahead, so that files of now are settled."""
    now = time.time_ns
    monkeypatch.setattr("goodsam_pl.files.content_keys.time.time_ns", lambda: now() + 10**10)


def again(folder):
    """As the next process would."""
    KnownFiles.forget()
    return ContentKeys(folder)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_bytes_of_a_file_are_read_once(images, tmp_path, read, later):
    store = tmp_path / "store"
    keys = ContentKeys(store)
    assert [keys(images / name) for name in "abca"] == [sha256(name) for name in "abca"]
    assert ContentKeys(store)(images / "a") == sha256("a")  # the same object in one process
    keys.save()
    assert again(store)(images / "b") == sha256("b")
    assert read == ["a", "b", "c"]
    assert again(None)(images / "b") == sha256("b")  # without a folder nothing is kept
    assert read == ["a", "b", "c", "b"]


def _written(path):
    path.write_text("X")


def _written_and_set_back(path):
    status = path.stat()
    path.write_text("X")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replaced(path):
    other = path.with_name("other")
    other.write_text("X")
    shutil.copystat(path, other)
    other.replace(path)


@pytest.mark.parametrize("change", [_written, _written_and_set_back, _replaced])
def test_a_file_that_changed_is_read_again(images, tmp_path, later, change):
    keys = ContentKeys(tmp_path / "store")
    assert keys(images / "a") == sha256("a")
    keys.save()
    time.sleep(0.02)  # the clock of the file system moves in steps
    change(images / "a")
    assert again(tmp_path / "store")(images / "a") == sha256("X")


def test_a_file_of_this_very_moment_is_not_trusted(images, tmp_path, read):
    """It could be written to again within one tick of the file system's clock."""
    keys = ContentKeys(tmp_path / "store")
    assert keys(images / "a") == keys(images / "a") == sha256("a")
    assert read == ["a", "a"]
    keys.save()
    assert not (tmp_path / "store").exists()


def test_links_and_moved_folders_lead_to_the_file_itself(images, tmp_path, read, later):
    keys = ContentKeys(tmp_path / "store")
    (tmp_path / "link").symlink_to(images)
    assert keys(tmp_path / "link" / "a") == keys(images / "a") == sha256("a")
    assert read == ["a"]
    images.rename(tmp_path / "moved")
    assert keys(tmp_path / "moved" / "a") == sha256("a")
    assert read == ["a", "a"]


def test_a_name_relative_to_the_working_folder_is_the_same_file(
    images, tmp_path, read, later, monkeypatch
):
    keys = ContentKeys(tmp_path / "store")
    monkeypatch.chdir(images)
    assert keys(Path("a")) == keys(images / "a") == sha256("a")
    assert read == ["a"]
    assert keys.known.get(str(images / "a")) == sha256("a")  # a text is as good as a path


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-7],
        lambda text: text.replace("files 1", "files 2"),
        lambda text: text[:200] + ("0" if text[200] != "0" else "1") + text[201:],
        lambda _: "",
        lambda _: "\x00\xff",
    ],
)
def test_what_is_damaged_is_begun_anew(images, tmp_path, read, later, damage):
    keys = ContentKeys(tmp_path / "store")
    for name in "abc":
        keys(images / name)
    keys.save()
    path = tmp_path / "store" / ContentKeys.NAME
    path.write_text(damage(path.read_text()))
    assert again(tmp_path / "store")(images / "c") == sha256("c")
    assert read == ["a", "b", "c", "c"]


def test_two_who_write_keep_what_the_other_wrote(images, tmp_path, read, later):
    path = tmp_path / "known.tsv"
    one, other = KnownFiles(path), KnownFiles(path)
    one.remember(images / "a", Stamp.of(images / "a"), "A")
    other.remember(images / "b", Stamp.of(images / "b"), "B")
    one.save()
    other.save()
    third = KnownFiles(path)
    assert [third.get(images / name) for name in "abc"] == ["A", "B", None]


def test_a_folder_that_cannot_be_written_is_no_error(images, tmp_path, later):
    (tmp_path / "store").write_text("a file where the folder should be")
    keys = ContentKeys(tmp_path / "store")
    assert keys(images / "a") == sha256("a")
    keys.save()


def test_a_time_of_change_in_the_future_does_no_harm(images, tmp_path, read, later):
    os.utime(images / "a", ns=(time.time_ns() + 10**15,) * 2)
    keys = ContentKeys(tmp_path / "store")
    assert keys(images / "a") == keys(images / "a") == sha256("a")
    assert read == ["a"]


def test_workers_are_not_sent_all_that_is_known(images, tmp_path, later):
    keys = ContentKeys(tmp_path / "store")
    for name in "abc":
        keys(images / name)
    assert len(pickle.dumps(keys)) < 500
    keys.save()
    assert pickle.loads(pickle.dumps(keys))(images / "a") == sha256("a")  # noqa: S301  # our own


def test_a_long_look_is_saved_now_and_then(images, tmp_path, later, monkeypatch):
    monkeypatch.setattr(known_files, "_SECONDS_BETWEEN_SAVES", -1)
    monkeypatch.setattr(known_files, "_SHARE_OF_SAVING", 1e9)
    keys = ContentKeys(tmp_path / "store")
    counts = []
    keys.learn(
        [images / name for name in "abc"],
        lambda: counts.append(len(KnownFiles(tmp_path / "store" / keys.NAME)._known)),
    )
    assert counts == [0, 1, 2]


def test_a_missing_file_is_told(tmp_path, later):
    keys = ContentKeys(None)
    with pytest.raises(FileNotFoundError):
        keys(tmp_path / "none")
    assert keys.unknown([tmp_path / "none"]) == [tmp_path / "none"]
    keys.learn([tmp_path / "none"], lambda: None)


def test_what_is_known_below_a_folder(images, tmp_path, later):
    keys = ContentKeys(tmp_path / "store")
    for name in "ab":
        keys(images / name)
    (images / "a").unlink()
    assert keys.known.below(images) == {images / name: sha256(name) for name in "ab"}
    assert keys.known.below(tmp_path / "image") == {}


@pytest.mark.parametrize("when", ["before", "meanwhile", "and back"])
def test_a_file_that_changes_while_it_is_read_is_told(images, when):
    keys, file = ContentKeys(None), images / "a"
    key = keys(file)
    with keys.unchanged(file, key):
        assert file.read_text() == "a"

    def read() -> None:
        shutil.copy(images / "b", images / "new")
        (images / "new").replace(file)
        if when == "and back":
            (images / "new").write_text("a")
            (images / "new").replace(file)
            assert file.read_text() == "a"

    if when == "before":
        file.write_text("X")
    with pytest.raises(ChangedFileError, match="changed while"), keys.unchanged(file, key):
        read()
