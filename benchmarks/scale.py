"""A rehearsal of work on very many panoramas by several processes, with work that is only slept.

    python benchmarks/scale.py --panoramas 100000 --processes 2
    python benchmarks/scale.py --panoramas 100000 --processes 2 --kind teacher

What is made are SAM's masks, or with `--kind teacher` the targets of frozen teachers. Each panorama
costs `--work` seconds of sleep, so that what is measured is how well the work is shared, and not
the cores. The first process is `--slow` times as slow as the others. A third of the processes is
killed at a third of the way, and started again at once. Then the store is listed, and all of it
read again (as `goodsam masks verify` does), looked through by a second run, and opened by a data
module; the folder of targets likewise, without a data module. Perfect sharing is when no process
idles and nothing else than the work takes time.
`--locks false` takes all locks away, as on some shared file systems.

Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import errno
import json
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
import zlib
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO
from unittest.mock import patch

import torch
from PIL import Image
from torch import Tensor

from goodsam_pl.data import PanoramaDataModule, TargetStore, TeacherTargets
from goodsam_pl.data.target_precomputation import precompute_targets
from goodsam_pl.files import ContentKeys, KnownFiles
from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, WindowMasks, image_key, precompute_masks
from goodsam_pl.masks.inventory import find_strays, find_unfinished
from goodsam_pl.masks.precomputation import share, shares_of_others

SIZE, WINDOW = (64, 128), (64, 128)
VIEW = {"vertical_fov": 180.0, "file_vertical_fov": 180.0}
DARK = torch.zeros(3, *SIZE, dtype=torch.uint8)
SAID = TeacherTargets(DARK[0], (DARK[:1],), (DARK[:1],), DARK[0] > 0)


@dataclass(frozen=True)
class Sleeper:
    """A mask proposer that takes some seconds a panorama, and finds a mask everywhere."""

    seconds: float

    def describe(self) -> dict[str, str | int | float]:
        """The same for quick and slow ones."""
        return {"proposer": "sleeper"}

    def to(self, device: torch.device | str) -> Sleeper:
        """It is nowhere."""
        return self

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """One mask a window, of its upper half."""
        time.sleep(self.seconds)
        half = (torch.arange(WINDOW[0]) < WINDOW[0] // 2)[None, :, None].expand(1, *WINDOW)
        return [WindowMasks.pack(half, torch.ones(1), torch.ones(1)) for _ in windows]


def main() -> None:
    """Rehearse in a temporary folder, or one that is named."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kind", choices=["masks", "teacher"], default="masks")
    parser.add_argument("--panoramas", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--work", type=float, default=0.005, help="seconds of sleep a panorama")
    parser.add_argument("--slow", type=float, default=1.0, help="how slow the first process is")
    parser.add_argument("--kill", choices=["true", "false"], default="true")
    parser.add_argument("--locks", choices=["true", "false"], default="true")
    parser.add_argument("--folder", type=Path, help="on the file system to rehearse on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # forks must find no threads
    root = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        files = write_panoramas(root / "images", arguments.panoramas)
        print(f"{len(files)} panoramas are written", flush=True)
        with _locks(arguments.locks):
            found = rehearse(root, files, arguments)
            found |= (
                look_again(root, files) if arguments.kind == "masks" else ask_again(root, files)
            )
    finally:
        shutil.rmtree(root)
    print(json.dumps({"benchmark": "scale", **found}))


def _locks(choice: str) -> AbstractContextManager[object]:
    return nullcontext() if choice == "true" else patch("fcntl.flock", _no_locks)


def _no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def write_panoramas(folder: Path, count: int) -> list[Path]:
    """Small pictures that differ in a text alone."""
    picture = folder.parent / "template.png"
    Image.new("RGB", (SIZE[1], SIZE[0])).save(picture)
    content = picture.read_bytes()
    end = content.index(b"IEND") - 4
    files = []
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.png"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(content[:end] + _text_chunk(number) + content[end:])
        files.append(path)
    return files


def _text_chunk(number: int) -> bytes:
    body = b"tEXtComment\0" + str(number).encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def make_store(root: Path) -> MaskStore:
    """The store of masks of whole panoramas."""
    windows = WindowGrid.cover(SIZE, WINDOW, WINDOW)
    return MaskStore.create(root / "masks", windows, Sleeper(0), VIEW)


def rehearse(root: Path, files: list[Path], arguments: argparse.Namespace) -> dict[str, object]:
    """Compute all masks on several processes, kill a third of them, and count what was done."""
    processes, context = arguments.processes, multiprocessing.get_context("fork")
    (root / "diaries").mkdir()
    if arguments.kind == "masks":
        make_store(root)
    else:  # as the data module does before the teachers are asked
        known = ContentKeys(root)
        known.learn(files, lambda: None)
        known.save()
    task = work if arguments.kind == "masks" else teach

    def begin(rank: int) -> BaseProcess:
        seconds = arguments.work * (arguments.slow if rank == 0 else 1)
        process = context.Process(target=task, args=(root, files, rank, processes, seconds))
        process.start()
        return process

    begun = time.perf_counter()
    running = [begin(rank) for rank in range(processes)]
    killed = max(1, processes // 3) if arguments.kill == "true" else 0
    cut_off: Counter[Path] = Counter()
    if killed:
        while sum(diary.read_bytes().count(b"\n") for diary in _diaries(root)) < len(files) // 3:
            time.sleep(0.1)
        for rank in range(processes - killed, processes):
            process = running[rank]
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
            cut_off.update(read_diary(root / "diaries" / f"{process.pid}")[-1:])
            running[rank] = begin(rank)
    for process in running:
        process.join()
    seconds = time.perf_counter() - begun
    failed = sum(process.exitcode != 0 for process in running)
    looks = Counter(path for diary in _diaries(root) for path in read_diary(diary))
    perfect = len(files) * arguments.work / (processes - 1 + 1 / arguments.slow)
    # a panorama that a killed process had in hand may be looked at once more
    twice = sum(max(0, count - 1 - cut_off[path]) for path, count in looks.items())
    return {
        "kind": arguments.kind,
        "panoramas": len(files),
        "processes": processes,
        "killed": killed,
        "failed": failed,
        "locks": arguments.locks == "true",
        "slow": arguments.slow,
        "work_seconds": arguments.work,
        "lost": len(files) - len(looks),
        "twice": twice,
        "seconds": round(seconds, 1),
        "perfect_seconds": round(perfect, 1),
        "of_perfect": round(seconds / perfect, 2),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }


def work(root: Path, files: list[Path], rank: int, processes: int, seconds: float) -> None:
    """What one process does for masks; its diary names each panorama that it looks at."""
    with _diary(root) as diary:

        def read(path: Path) -> Tensor:
            diary.write(f"{path}\n")
            diary.flush()
            return DARK

        report = precompute_masks(
            share(files, rank, processes),
            read,
            Sleeper(seconds),
            make_store(root),
            others=shares_of_others(files, rank, processes),
        )
    if report.failed:
        raise SystemExit(1)


def teach(root: Path, files: list[Path], rank: int, processes: int, seconds: float) -> None:
    """What one process does for targets; its diary names each panorama that it asks about."""
    with _diary(root) as diary:

        def ask(path: Path) -> TeacherTargets:
            diary.write(f"{path}\n")
            diary.flush()
            time.sleep(seconds)
            return SAID

        precompute_targets(
            share(files, rank, processes),
            ask,
            ContentKeys(root),
            target_store(root),
            others=shares_of_others(files, rank, processes),
        )


def target_store(root: Path) -> TargetStore:
    """The targets of teachers that are always the same."""
    return TargetStore(root / "targets", "sleeper")


def _diary(root: Path) -> TextIO:
    return (root / "diaries" / str(os.getpid())).open("a", encoding="utf-8")


def _diaries(root: Path) -> list[Path]:
    return list((root / "diaries").iterdir())


def read_diary(diary: Path) -> list[Path]:
    """The panoramas that a process has begun, in order."""
    return [Path(line) for line in diary.read_text(encoding="utf-8").splitlines()]


def look_again(root: Path, files: list[Path]) -> dict[str, object]:
    """List, verify and open the store, each in seconds; what is wrong with it, in numbers."""
    KnownFiles.forget()
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        seconds[name], began = time.perf_counter() - began, time.perf_counter()

    store = MaskStore.open(root / "masks")
    keys = list(store)
    lap("list")
    report = precompute_masks(files, lambda _: DARK, Sleeper(0), store)
    lap("second_run")
    data = PanoramaDataModule(
        dataset="folder",
        root=str(root / "images"),
        size=SIZE,
        vertical_fov=180.0,
        file_vertical_fov=180.0,
        window_size=WINDOW,
        window_stride=WINDOW,
        mask_root=str(root / "masks"),
        num_workers=0,
    )
    data.setup("fit")
    data.train_dataloader()
    lap("data_module")
    damaged = sum(store.check(key) is not None for key in keys)
    strays, unfinished = find_strays(store.root), find_unfinished(store.root)
    lap("verify")
    return {
        "records": len(keys),
        "without_record": sum(image_key(file) not in store for file in files),
        "damaged": damaged,
        "strays": len(strays),
        "unfinished": len(unfinished),
        "computed_by_second_run": report.computed,
        **{f"{name}_seconds": round(each, 2) for name, each in seconds.items()},
    }


def ask_again(root: Path, files: list[Path]) -> dict[str, object]:
    """List and verify the targets, each in seconds; what is wrong with them, in numbers."""
    KnownFiles.forget()
    seconds: dict[str, float] = {}
    keys, store = ContentKeys(root), target_store(root)
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        seconds[name], began = time.perf_counter() - began, time.perf_counter()

    names = {path.name for path in store.folder.iterdir()}
    lap("list")
    computed = precompute_targets(files, lambda _: SAID, keys, store)
    lap("second_run")
    wanted = {store.path(keys(file)).name: keys(file) for file in files}
    damaged = sum(name in names and _is_damaged(store, key) for name, key in wanted.items())
    lap("verify")
    unfinished = [name for name in names if name.startswith(".")]
    return {
        "records": len(names & {*wanted}),
        "without_record": len({*wanted} - names),
        "damaged": damaged,
        "strays": len(names - {*wanted} - {*unfinished} - {"whole.tsv"}),
        "unfinished": len(unfinished),
        "computed_by_second_run": computed,
        **{f"{name}_seconds": round(each, 2) for name, each in seconds.items()},
    }


def _is_damaged(store: TargetStore, key: str) -> bool:
    try:
        store.read(key)
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    main()
