"""Masks are computed once, whoever computes them, and failures are told by name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam import MaskStore, image_key, precompute_masks
from goodsam_pl.sam.computing import failure_report, share

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
