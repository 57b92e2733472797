"""Teachers are asked once about each content, by whoever is free; nobody waits idly."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
import torch

from goodsam_pl.data import TargetStore, TeacherTargets
from goodsam_pl.data.target_precomputation import precompute_targets
from goodsam_pl.files import ChangedFileError, ContentKeys
from goodsam_pl.files.claims import LOCK_SUFFIX
from goodsam_pl.masks.precomputation import share, shares_of_others


def targets(label: int) -> TeacherTargets:
    whole = torch.full((8, 16), label, dtype=torch.uint8)
    ensemble = (whole[None],)
    return TeacherTargets(whole, ensemble, (torch.ones_like(whole)[None],), whole > 100)


class Teacher:
    """Says the first byte of a file about it, and remembers what it was asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[str] = []

    def __call__(self, path: Path) -> TeacherTargets:
        self.asked.append(path.name)
        time.sleep(self.seconds)
        return targets(path.read_bytes()[0])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "images" / f"{number:02}" for number in range(12)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]))
    return paths


@pytest.fixture
def store(tmp_path: Path) -> TargetStore:
    return TargetStore(tmp_path / "targets", "f" * 64)


def test_of_one_content_one_is_asked_about_and_a_second_run_asks_nothing(
    files: list[Path], store: TargetStore
) -> None:
    keys, teacher = ContentKeys(None), Teacher()
    files[3].write_bytes(files[1].read_bytes())
    assert precompute_targets(files, teacher, keys, store) == 11
    assert teacher.asked == [path.name for path in files if path != files[3]]
    for number, path in enumerate(files):
        assert (store.read(keys(path)).whole == (1 if number == 3 else number)).all()
    assert precompute_targets(files, teacher, keys, store) == 0
    assert len(teacher.asked) == 11


def test_the_quick_process_does_what_the_slow_one_has_not_begun(
    files: list[Path], store: TargetStore
) -> None:
    slow, quick = Teacher(0.3), Teacher()
    computed = {}

    def work(rank: int, teacher: Teacher) -> None:
        computed[rank] = precompute_targets(
            share(files, rank, 2),
            teacher,
            ContentKeys(None),
            store,
            others=shares_of_others(files, rank, 2),
        )

    threads = [threading.Thread(target=work, args=each) for each in enumerate((slow, quick))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(slow.asked + quick.asked) == [path.name for path in files]
    assert len(slow.asked) < 4
    assert computed == {0: len(slow.asked), 1: len(quick.asked)}
    assert not [path for path in store.folder.iterdir() if path.name.endswith(LOCK_SUFFIX)]


def test_what_others_have_in_hand_of_their_own_is_left_to_them(
    files: list[Path], store: TargetStore
) -> None:
    teacher, keys = Teacher(), ContentKeys(None)
    with store.claim(keys(files[2])):
        precompute_targets(files[:2], teacher, keys, store, others=files[2:4])
    assert sorted(teacher.asked) == ["00", "01", "03"]


def test_damaged_targets_are_named_and_made_anew_by_whose_share_they_are(
    files: list[Path], store: TargetStore, caplog: pytest.LogCaptureFixture
) -> None:
    keys, teacher = ContentKeys(None), Teacher()
    precompute_targets(files, teacher, keys, store)
    for path in files[4:6]:
        store.path(keys(path)).write_bytes(b"no archive")
    teacher.asked.clear()
    with caplog.at_level(logging.WARNING):
        assert precompute_targets(files[:5], teacher, keys, store, others=files[5:]) == 1
    assert teacher.asked == ["04"]
    assert (store.read(keys(files[4])).whole == 4).all()
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(f"targets of {files[4]} are computed anew: ")


def test_a_panorama_that_changes_meanwhile_is_told_and_not_stored(
    files: list[Path], store: TargetStore
) -> None:
    def ask(path: Path) -> TeacherTargets:
        path.write_bytes(b"another one")
        return targets(0)

    with pytest.raises(ChangedFileError, match="00 changed while it was in work"):
        precompute_targets(files, ask, ContentKeys(None), store)
    assert not list(store.folder.glob("*.npz"))
