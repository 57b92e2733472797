"""How long a training waits at its start when all panoramas, masks and targets are known already.

Files are sparse, so that each claims the size of a photograph, and whoever reads one takes as long
as with a real one. What is read from files is counted by the kernel (Linux).

    python benchmarks/start.py --panoramas 100000 --megabytes 8
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from goodsam_pl.data import PanoramaDataModule, TargetStore, TeacherTargets
from goodsam_pl.data.target_precomputation import precompute_targets
from goodsam_pl.files import KnownFiles, Stamp
from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore
from goodsam_pl.masks.precomputation import precompute_masks
from goodsam_pl.sam import Felzenszwalb

SIZE, WINDOW = (64, 256), (64, 64)


def main() -> None:
    """Make a folder of panoramas with masks and targets, and start on it."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--panoramas", type=int, default=100_000)
    parser.add_argument("--megabytes", type=float, default=8, help="claimed size of a file")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    root = Path(tempfile.mkdtemp())
    try:
        begun = time.perf_counter()
        prepare(root, arguments.panoramas, int(arguments.megabytes * 1e6))
        print(f"prepared in {time.perf_counter() - begun:.0f} s", flush=True)
        seconds, read = start(root)
    finally:
        shutil.rmtree(root)
    result = {
        "benchmark": "start",
        "panoramas": arguments.panoramas,
        "claimed_gigabytes": round(arguments.panoramas * arguments.megabytes / 1e3, 1),
        "read_megabytes": round(read / 1e6, 1),
        **{name: round(value, 2) for name, value in seconds.items()},
        "seconds": round(sum(seconds.values()), 2),
    }
    print(json.dumps(result))


def prepare(root: Path, count: int, size: int) -> None:
    """Write panoramas with key, masks and targets of each, as earlier runs leave them."""
    images, store = root / "images", make_store(root)
    targets = TargetStore(root / "targets", "0" * 64)
    whole, hard = torch.zeros(SIZE), torch.zeros(store.windows.count, *WINDOW, dtype=torch.uint8)
    empty = TeacherTargets(whole.to(torch.uint8), (hard,), (hard,), whole.bool())
    dark = torch.zeros(store.windows.count, 3, *WINDOW, dtype=torch.uint8)
    store.write("0" * 64, "template", Felzenszwalb().propose(dark))
    targets.write("0" * 64, empty)
    record, target = store.path("0" * 64).read_bytes(), targets.path("0" * 64).read_bytes()
    store.path("0" * 64).unlink()
    targets.path("0" * 64).unlink()
    records = KnownFiles.at(store.root / "whole.tsv")
    for index in range(count):
        key = f"{index:064x}"
        image = images / f"{index // 1000:03}" / f"{index:06}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        if index == 0:  # the data look at the first file
            Image.new("RGB", (256, 128)).save(image)
        else:
            with image.open("wb") as stream:
                stream.truncate(size)
        store.keys.known.remember(image, Stamp.of(image), key)
        path = store.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record)
        records.remember(path, Stamp.of(path), store.fingerprint)
        targets.path(key).write_bytes(target)
        targets.known.remember(targets.path(key), Stamp.of(targets.path(key)), "whole")
    store.save_known()
    targets.known.save()
    KnownFiles.forget()


def make_store(root: Path) -> MaskStore:
    """The store of the panoramas, of Felzenszwalb's masks."""
    windows = WindowGrid.cover(SIZE, WINDOW, WINDOW)
    view = {"vertical_fov": 90.0, "file_vertical_fov": 180.0}
    return MaskStore.create(root / "masks", windows, Felzenszwalb(), view)


def start(root: Path) -> tuple[dict[str, float], int]:
    """What PrecomputeSAM, the data and PrecomputeTeacher do before the first step."""
    before, seconds, began = bytes_read(), {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        seconds[name], began = time.perf_counter() - began, time.perf_counter()

    data = PanoramaDataModule(
        dataset="folder",
        root=str(root / "images"),
        size=SIZE,
        vertical_fov=90.0,
        file_vertical_fov=180.0,
        window_size=WINDOW,
        window_stride=WINDOW,
        mask_root=str(root / "masks"),
        num_workers=0,
    )
    data.setup("fit")
    lap("list_files")
    store = make_store(root)
    files = data.panorama_files("fit")
    report = precompute_masks(files, data.read_panorama, Felzenszwalb(), store)
    if report.present != len(files):
        raise AssertionError(f"not all masks were found: {report}")
    lap("look_for_masks")
    targets = TargetStore(root / "targets", "0" * 64)
    precompute_targets(data.training_files, _refuse, data.keys, targets)
    lap("look_for_targets")
    data.train_dataloader()
    lap("masks_of_the_loader")
    data.use_targets(targets)
    data.train_dataloader()
    lap("targets_of_the_loader")
    return seconds, bytes_read() - before


def _refuse(file: Path) -> TeacherTargets:
    raise AssertionError(f"the targets of {file} were not found")


def bytes_read() -> int:
    """What this process has read from files so far; 0 where the kernel does not say."""
    try:
        lines = Path(f"/proc/{os.getpid()}/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return int(np.int64(next(line for line in lines if line.startswith("rchar")).split()[1]))


if __name__ == "__main__":
    main()
