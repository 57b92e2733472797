"""Each piece of work is done once, by whoever is free, with and without locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from goodsam_pl.files import claims
from goodsam_pl.files.claims import Claim, claim, holder
from goodsam_pl.files.shared_work import SharedWork, do_together


class Digging(SharedWork):
    """Makes a file for each key; a worker takes ``seconds`` for one."""

    what = "holes"

    def __init__(self, folder: Path, seconds: float = 0.0) -> None:
        self.folder = folder
        self.seconds = seconds
        self.begun: list[str] = []

    def is_done(self, key: str) -> bool:
        return (self.folder / key).exists()

    def claim(self, key: str) -> AbstractContextManager[Claim | None]:
        return claim(self.folder / key)

    def do(self, key: str, claimed: Claim) -> bool:
        if self.is_done(key):
            return False
        self.begun.append(key)
        time.sleep(self.seconds)
        alone = not self.is_done(key)
        claimed.write(b"")
        return alone

    def holder(self, key: str) -> str:
        return holder(self.folder / key)

    def name(self, key: str) -> str:
        return key


def keys(count: int) -> list[str]:
    return [f"{number:04}" for number in range(count)]


def together(workers: list[Digging], shares: list[list[str]]) -> None:
    def work(rank: int) -> None:
        def others() -> list[str]:
            every = [key for share in shares for key in share if key not in shares[rank]]
            return [key for key in every if not workers[rank].is_done(key)]

        do_together(workers[rank], shares[rank], others, lambda: None)

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_alone_all_is_done_in_order(tmp_path: Path) -> None:
    worker, steps = Digging(tmp_path), []
    do_together(worker, keys(50), list, lambda: steps.append(1))
    assert worker.begun == keys(50)
    assert len(steps) == 50


def test_the_quick_one_does_what_the_slow_one_has_not_begun(tmp_path: Path) -> None:
    slow, quick = Digging(tmp_path, 0.2), Digging(tmp_path)
    together([slow, quick], [keys(60)[::2], keys(60)[1::2]])
    assert sorted(slow.begun + quick.begun) == keys(60)
    assert len(slow.begun) < 10


def test_a_piece_of_ones_own_that_another_has_in_hand_is_waited_for(tmp_path: Path) -> None:
    worker, begun, go_on = Digging(tmp_path), threading.Event(), threading.Event()

    class Slow(Digging):
        def do(self, key: str, claimed: Claim) -> bool:
            begun.set()
            go_on.wait(60)
            return super().do(key, claimed)

    other = threading.Thread(
        target=do_together, args=(Slow(tmp_path), ["0003"], list, lambda: None)
    )
    other.start()
    begun.wait(60)
    threading.Timer(0.3, go_on.set).start()
    do_together(worker, keys(5), list, lambda: None)
    assert worker.is_done("0003")
    assert sorted(worker.begun) == ["0000", "0001", "0002", "0004"]
    other.join(60)


def test_what_another_has_in_hand_of_its_own_is_not_waited_for(tmp_path: Path) -> None:
    worker = Digging(tmp_path)
    with worker.claim("0001"):
        do_together(worker, ["0000"], lambda: ["0001", "0002"], lambda: None)
    assert sorted(worker.begun) == ["0000", "0002"]


def test_without_locks_few_are_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are given all of it, in the same order and at the same moment."""

    @contextmanager
    def none(path: Path) -> Iterator[Claim]:
        yield Claim(path)

    monkeypatch.setattr(Digging, "claim", lambda self, key: none(self.folder / key))
    monkeypatch.setattr(claims, "write_atomically", lambda path, _: path.touch())
    workers = [Digging(tmp_path, 0.002) for _ in range(3)]
    together(workers, [keys(300)] * 3)
    begun = [key for worker in workers for key in worker.begun]
    assert sorted(set(begun)) == keys(300)
    assert len(begun) < 300 * 1.5
