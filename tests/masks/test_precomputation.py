"""Masks are computed once, whoever computes them, and failures are told by name."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from goodsam_pl.files import claims, shared_work, unfinished
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, image_key, precompute_masks
from goodsam_pl.masks.precomputation import failure_report, share, shares_of_others

Reader = Callable[[Path], Tensor]


@pytest.fixture
def store(tmp_path: Path, grid: WindowGrid, brightness) -> MaskStore:
    return MaskStore.create(tmp_path / "masks", grid, brightness())


def test_every_panorama_gets_its_masks_and_a_second_run_does_nothing(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    proposer = brightness()
    assert precompute_masks(panoramas, reader, proposer, store) == (5, 0, {})
    assert proposer.windows_seen == 20
    expected = brightness().propose(store.windows.extract(reader(panoramas[3])[None])[0])
    found = store.read(image_key(panoramas[3]))
    for before, after in zip(expected, found, strict=True):
        assert torch.equal(before.layers, after.layers)
    contents = {key: store.path(key).read_bytes() for key in store}
    assert precompute_masks(panoramas, reader, proposer, store) == (0, 5, {})
    assert proposer.windows_seen == 20
    assert {key: store.path(key).read_bytes() for key in store} == contents


def test_only_what_is_missing_is_computed(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    proposer = brightness()
    precompute_masks(panoramas[:2], reader, proposer, store)
    assert precompute_masks(panoramas, reader, proposer, store) == (3, 2, {})
    assert proposer.windows_seen == 20


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    def read(path: Path) -> Tensor:
        if path == panoramas[1]:
            raise ValueError("truncated")
        return reader(path)

    report = precompute_masks(panoramas, read, brightness(), store)
    assert (report.computed, report.present) == (4, 0)
    assert [str(error) for error in report.failed.values()] == ["truncated"]
    assert list(report.failed) == [panoramas[1]]
    assert image_key(panoramas[1]) not in store


def test_what_is_wrong_with_the_proposer_is_wrong_at_once(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    class Broken(brightness):
        def propose(self, windows: Tensor):
            raise FileNotFoundError("no weights")

    with pytest.raises(FileNotFoundError, match="no weights"):
        precompute_masks(panoramas, reader, Broken(), store)


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 5))
def test_processes_share_all_files_without_overlap(names: list[str], processes: int) -> None:
    files = [Path(name) for name in names]
    shares = [share(files, rank, processes) for rank in range(processes)]
    assert sorted(path for own in shares for path in own) == sorted(files)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for rank, own in enumerate(shares):
        assert sorted([*own, *shares_of_others(files, rank, processes)]) == sorted(files)


def test_who_is_done_with_its_share_helps_the_others(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    own, others = share(panoramas, 0, 2), shares_of_others(panoramas, 0, 2)
    report = precompute_masks(own, reader, brightness(), store, others=others)
    assert report == (5, 0, {})
    assert precompute_masks(others, reader, brightness(), store, others=own) == (0, 2, {})


def test_what_fails_in_the_share_of_another_is_for_that_one_to_tell(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    def read(path: Path) -> Tensor:
        if path == panoramas[1]:
            raise ValueError("truncated")
        return reader(path)

    own, others = share(panoramas, 0, 2), shares_of_others(panoramas, 0, 2)
    assert precompute_masks(own, read, brightness(), store, others=others) == (4, 0, {})
    report = precompute_masks(others, read, brightness(), store, others=own)
    assert (report.computed, report.present, list(report.failed)) == (0, 1, [panoramas[1]])


def test_a_damaged_record_that_another_process_made_anew_is_taken(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    precompute_masks(panoramas, reader, brightness(), store)
    last = store.path(image_key(panoramas[4]))
    whole = last.read_bytes()
    for path in map(image_key, panoramas[3:]):
        store.path(path).write_bytes(b"damaged")

    def read(path: Path) -> Tensor:  # while the first damaged one is in work
        last.write_bytes(whole)
        return reader(path)

    assert precompute_masks(panoramas, read, brightness(), store) == (1, 4, {})


def contents(store: MaskStore) -> dict[str, bytes]:
    """All files but those of what is known, which tell times."""
    return {
        path.relative_to(store.root).as_posix(): path.read_bytes()
        for path in store.root.rglob("*")
        if path.is_file() and path.suffix != ".tsv"
    }


def test_damaged_records_are_named_and_computed_anew(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness, caplog
) -> None:
    precompute_masks(panoramas, reader, brightness(), store)
    before = contents(store)
    for index, damage in (
        (1, lambda whole: whole[:-20]),
        (3, lambda whole: whole[:40] + whole[41:]),
    ):
        path = store.path(image_key(panoramas[index]))
        path.write_bytes(damage(path.read_bytes()))
    proposer = brightness()
    assert precompute_masks(panoramas, reader, proposer, store) == (2, 3, {})
    assert proposer.windows_seen == 8
    assert contents(store) == before
    assert len(caplog.messages) == 2
    assert f"masks of {panoramas[1]} are computed anew: its scores are damaged" in caplog.text
    assert f"masks of {panoramas[3]} are computed anew: its header is damaged" in caplog.text


def test_a_record_of_other_masks_is_not_taken_for_whole(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    precompute_masks(panoramas, reader, brightness(), store)
    (store.root / "store.json").unlink()
    other = brightness()
    other.describe = lambda: {"proposer": "another"}
    again = MaskStore.create(store.root, store.windows, other)
    assert precompute_masks(panoramas, reader, other, again) == (5, 0, {})
    assert again.read(image_key(panoramas[0]))


def test_whole_records_are_not_read_again(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness, monkeypatch
) -> None:
    precompute_masks(panoramas, reader, brightness(), store)
    monkeypatch.setattr(MaskStore, "damage", lambda *_: pytest.fail("read again"))
    again = MaskStore.open(store.root)
    assert precompute_masks(panoramas, reader, brightness(), again) == (0, 5, {})


def test_files_of_the_same_content_are_looked_at_once(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    twin = panoramas[0].with_name("twin.bin")
    twin.write_bytes(panoramas[0].read_bytes())
    proposer = brightness()
    assert precompute_masks([*panoramas[:2], twin], reader, proposer, store) == (2, 1, {})
    assert proposer.windows_seen == 8


def test_a_missing_file_is_a_failure_of_that_file(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    panoramas[2].unlink()
    report = precompute_masks(panoramas, reader, brightness(), store)
    assert (report.computed, report.present, list(report.failed)) == (4, 0, [panoramas[2]])
    text = failure_report({path: str(error) for path, error in report.failed.items()})
    assert text.startswith("1 panorama without masks:\n")
    assert str(panoramas[2]) in text


def test_once_the_proposer_has_worked_it_may_fail_for_single_panoramas(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    class Moody(brightness):
        def propose(self, windows: Tensor):
            if self.windows_seen == 8:
                self.windows_seen += 4
                raise RuntimeError("out of memory")
            return super().propose(windows)

    report = precompute_masks(panoramas, reader, Moody(), store)
    assert (report.computed, report.present) == (4, 0)
    assert [str(error) for error in report.failed.values()] == ["out of memory"]
    assert list(report.failed) == [panoramas[2]]


def test_two_at_once_share_the_work_without_being_told(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness
) -> None:
    """Both are given all files; a panorama that one has in hand is not begun by the other."""
    seen: list[Path] = []
    begun, go_on = threading.Event(), threading.Event()

    def read(path: Path) -> Tensor:
        seen.append(path)
        if not begun.is_set():
            begun.set()
            go_on.wait(60)  # the other one finds it claimed
        return reader(path)

    reports = []

    def first() -> None:
        reports.append(precompute_masks(panoramas, read, brightness(), store))

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait(60)
    threading.Timer(0.5, go_on.set).start()
    reports.append(precompute_masks(panoramas, read, brightness(), store))
    thread.join()
    assert sorted(seen) == panoramas
    assert sum(report.computed for report in reports) == 5
    assert all(report.computed + report.present == 5 for report in reports)
    assert not list(store.root.rglob(".*"))


class Hosts:
    """Each thread is a machine of its own, and sees its own locks alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unfinished, "_machine", lambda: f"{threading.get_ident():012x}"[-12:])
        monkeypatch.setattr(claims.fcntl, "flock", lambda *_: None)


@pytest.mark.parametrize("writers", [2, 3])
@pytest.mark.parametrize("shared_out", [True, False])
@pytest.mark.parametrize("locks", ["that hold", "that fail", "of one machine"])
def test_many_writers_lose_nothing_whatever_the_file_system_locks(
    store: MaskStore,
    panoramas: list[Path],
    reader: Reader,
    brightness,
    monkeypatch: pytest.MonkeyPatch,
    writers: int,
    shared_out: bool,
    locks: str,
) -> None:
    """One is in the midst of writing its first record while all others come to their ends."""
    if locks == "of one machine":
        Hosts(monkeypatch)
    elif locks == "that fail":
        refusal = OSError(errno.ENOLCK, "No locks available")
        monkeypatch.setattr(claims.fcntl, "flock", lambda *_: (_ for _ in ()).throw(refusal))
    synchronise, waiting = os.fsync, threading.Event()
    threads: list[threading.Thread] = []

    def slow(descriptor: int) -> None:
        synchronise(descriptor)
        if threading.current_thread() is threads[0] and not waiting.is_set():
            waiting.set()
            end = time.monotonic() + 30
            # with locks the others wait for this very record at last
            while any(other.is_alive() for other in threads[1:]) and time.monotonic() < end:
                if locks == "that hold" and len(store) == len(panoramas) - 1:
                    break
                time.sleep(0.01)

    monkeypatch.setattr(os, "fsync", slow)
    reports: list[object] = []

    def work(rank: int) -> None:
        if rank:
            waiting.wait(30)
        own = share(panoramas, rank, writers) if shared_out else panoramas
        reports.append(precompute_masks(own, reader, brightness(), store))

    threads += [threading.Thread(target=work, args=(rank,)) for rank in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(reports) == writers
    assert all(report.failed == {} for report in reports)
    assert sorted(store) == sorted(map(image_key, panoramas))
    assert [store.damage(key) for key in store] == [None] * 5
    assert not list(store.root.rglob(".*"))


def test_a_stuck_process_is_named_and_all_else_goes_on(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(shared_work, "PATIENCE", 0.2)
    reports = []
    with store.claim(image_key(panoramas[0])), store.claim(image_key(panoramas[2])) as second:
        work = threading.Thread(
            target=lambda: reports.append(precompute_masks(panoramas, reader, brightness(), store))
        )
        work.start()
        end = time.monotonic() + 30
        while not caplog.messages and time.monotonic() < end:
            time.sleep(0.01)
        assert len(store) == 3
        assert second is not None
    work.join(60)
    assert reports == [(5, 0, {})]
    [told] = caplog.messages
    assert told.startswith(f"waiting for the masks of {panoramas[0]} and 1 more: process ")
    assert f"process {os.getpid()} on " in told


@pytest.mark.parametrize("copies", [1, 2])
def test_masks_of_one_image_never_get_the_key_of_another(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness, copies: int
) -> None:
    image, key = panoramas[0], image_key(panoramas[0])
    twin = image.with_name("twin.bin")
    twin.write_bytes(image.read_bytes())

    def read(path: Path) -> Tensor:
        if path == image:
            path.write_bytes(panoramas[3].read_bytes())
        return reader(path)

    files = [image, twin][:copies]
    report = precompute_masks(files, read, brightness(), store)
    assert (report.computed, list(report.failed)) == (copies - 1, [image])
    assert "0.bin changed while it was in work: run the same command again" in str(
        report.failed[image]
    )
    assert (key in store) == (copies == 2)
    assert precompute_masks([image], reader, brightness(), store) == (1, 0, {})
    expected = brightness().propose(store.windows.extract(reader(panoramas[3])[None])[0])
    found = store.read(image_key(panoramas[3]))
    for before, after in zip(expected, found, strict=True):
        assert torch.equal(before.layers, after.layers)


def test_a_store_that_is_only_read_is_used_and_what_it_lacks_is_told(
    store: MaskStore, panoramas: list[Path], reader: Reader, brightness, read_only
) -> None:
    precompute_masks(panoramas[:3], reader, brightness(), store)
    read_only(store.root)
    assert precompute_masks(panoramas[:3], reader, brightness(), store) == (0, 3, {})
    with pytest.raises(ValueError, match=r"cannot be written \(Read-only file system\)"):
        precompute_masks(panoramas, reader, brightness(), store)
