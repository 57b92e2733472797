"""Write scenes to disk in the folder layouts of Cityscapes and DensePASS."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.streetworld.boxes import boxes_json
from goodsam_pl.streetworld.cameras import Equirectangular, Pinhole
from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.label_encodings import anonymous_instances, instance_ids, label_ids
from goodsam_pl.streetworld.rendering import View, render
from goodsam_pl.streetworld.scene import build_scene
from goodsam_pl.streetworld.seeds import SPLITS
from goodsam_pl.taxonomy import get_taxonomy

__all__ = ["VERSION", "export"]

VERSION = 1
"""Of the generator: it grows whenever the same seed draws other pixels."""

_MANIFEST = "streetworld.json"
_LAYOUTS = ("cityscapes", "densepass")
_INSTANCES = "instances"
_BOXES = "boxes"
Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class _Settings:
    """What decides about the pixels."""

    version: int
    severity: float
    source_size: tuple[int, int]
    horizontal_fov: float
    panorama_size: tuple[int, int]
    vertical_fov: float


@dataclass(frozen=True)
class _Job:
    """One scene to draw."""

    city: Literal["source", "target"]
    split: Split
    seed: int


def export(
    out: Path,
    source_train: int = 160,
    source_val: int = 16,
    target_train: int = 64,
    target_val: int = 16,
    target_test: int = 48,
    source_pretrain: int = 0,
    severity: float = 1.0,
    source_size: tuple[int, int] = (256, 512),
    horizontal_fov: float = 50.0,
    panorama_size: tuple[int, int] = (192, 1024),
    vertical_fov: float = 67.5,
    instances: bool = False,
    boxes: bool = False,
    workers: int | None = None,
    overwrite: bool = False,
) -> None:
    """Draw labelled pinhole images of the source city and panoramas of the target city.

    ``OUT/cityscapes`` follows Cityscapes, ``OUT/densepass`` follows DensePASS with a test split of
    its own. The training panoramas have no labels on disk: no method may see them. What is there
    already is not drawn again, so that a broken run goes on where it stopped and a second run is
    quick. The files are the same on any number of workers. No scene is drawn for both cities.

    Args:
        out: folder to write to.
        source_train: labelled pinhole images for training.
        source_val: labelled pinhole images for validation.
        target_train: unlabelled panoramas for training.
        target_val: labelled panoramas for validation.
        target_test: labelled panoramas for the test.
        source_pretrain: further training images of the source city, of seeds that nothing else
            uses: for starting weights.
        severity: how far the target city lies from the source city, from 0 to 1.
        source_size: height and width of the pinhole images, pixels.
        horizontal_fov: of the pinhole images, degrees.
        panorama_size: height and width of the panoramas, pixels.
        vertical_fov: of the panoramas, degrees; 180 draws the full sphere.
        instances: also write which things each panorama shows, those for training too, to
            ``OUT/instances``: no method may see them, they are for ``StreetWorldOracle``. They may
            be added to an export that has none.
        boxes: also write the class, box and exact mask of each thing in each panorama, those for
            training too, to ``OUT/boxes``: a COCO file a panorama, as somebody would draw them. A
            box that crosses the seam goes on beyond the width. They may be added likewise.
        workers: processes; null takes one for each processor.
        overwrite: delete an earlier export with other settings from the folder.

    Raises:
        ValueError: a count outside its split's seeds, a severity, size or angle that cannot be.
        FileExistsError: the folder holds another export, or data that is not from here.
    """
    settings = _Settings(
        VERSION, severity, source_size, horizontal_fov, panorama_size, vertical_fov
    )
    counts = {
        "source_train": source_train,
        "source_val": source_val,
        "target_train": target_train,
        "target_val": target_val,
        "target_test": target_test,
        "source_pretrain": source_pretrain,
    }
    _check(settings, counts, workers)
    jobs = [job for name, count in counts.items() for job in _jobs(name, count)]
    out = Path(out)
    _claim(out, settings, counts, overwrite)
    extras = frozenset(
        name for name, is_wanted in ((_INSTANCES, instances), (_BOXES, boxes)) if is_wanted
    )
    missing = [
        job for job in jobs if not all(path.exists() for path in _files(out, job, extras).values())
    ]
    draw = partial(_draw, out, settings, extras)
    processes = min(workers or os.cpu_count() or 1, len(missing))
    title = f"StreetWorld to {out}"
    if processes <= 1:
        _finish(map(draw, missing), len(missing), title)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        _finish(pool.map(draw, missing, chunksize=4), len(missing), title)


def _check(settings: _Settings, counts: dict[str, int], workers: int | None) -> None:
    """Refuse early what would only fail in the middle of the work."""
    make_city("target", settings.severity)
    for name, count in counts.items():
        room = len(_seeds(name))
        if not 0 <= count <= room:
            raise ValueError(f"{name}={count}: choose from 0 to {room} scenes")
    for name, size in (
        ("source_size", settings.source_size),
        ("panorama_size", settings.panorama_size),
    ):
        if min(size) < 1:
            raise ValueError(f"{name}={size}: height and width must be at least 1 pixel")
    if not 0 < settings.horizontal_fov < 180:
        raise ValueError(f"horizontal_fov={settings.horizontal_fov} is not in (0, 180) degrees")
    if not 0 < settings.vertical_fov <= 180:
        raise ValueError(f"vertical_fov={settings.vertical_fov} is not in (0, 180] degrees")
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers}: choose at least 1, or null for one a processor")


def _seeds(name: str) -> range:
    """Seeds of e.g. ``source_train``: the cities share a split's range half and half."""
    city, split = name.split("_")
    seeds = SPLITS[split]
    half = len(seeds) // 2
    return seeds[:half] if city == "source" else seeds[half:]


def _jobs(name: str, count: int) -> list[_Job]:
    city: Literal["source", "target"] = "source" if name.startswith("source") else "target"
    kind = name.split("_")[1]
    split: Split = "train" if kind == "pretrain" else cast("Split", kind)
    return [_Job(city, split, seed) for seed in _seeds(name)[:count]]


def _claim(out: Path, settings: _Settings, counts: dict[str, int], overwrite: bool) -> None:
    """Make sure that the folder holds this export, part of it, or nothing; note what it holds."""
    manifest = out / _MANIFEST
    wanted = {"settings": json.loads(json.dumps(asdict(settings))), "scenes": counts}
    if manifest.exists():
        found = json.loads(manifest.read_text(encoding="utf-8"))
        difference = _difference(found, wanted)
        if difference and not overwrite:
            raise FileExistsError(
                f"{out} holds a StreetWorld export with {difference}: choose another folder, or "
                f"draw it anew with --overwrite=true"
            )
        if difference:
            manifest.unlink()
            for layout in (*_LAYOUTS, _INSTANCES, _BOXES):
                shutil.rmtree(out / layout, ignore_errors=True)
    elif any((out / layout).exists() for layout in _LAYOUTS):
        raise FileExistsError(
            f"{out} has a folder {' or '.join(_LAYOUTS)} that is no StreetWorld export (there is "
            f"no {_MANIFEST}): choose another folder"
        )
    write_atomically(manifest, f"{json.dumps(wanted, indent=2)}\n".encode())


def _difference(found: dict[str, dict[str, object]], wanted: dict[str, dict[str, object]]) -> str:
    """Why an export cannot be reused, empty if it can: more scenes may be added, none removed."""
    reasons = [
        f"{key}={found['settings'].get(key)} instead of {value}"
        for key, value in wanted["settings"].items()
        if found["settings"].get(key) != value
    ]
    for key, value in wanted["scenes"].items():
        count = found["scenes"].get(key, 0)
        if isinstance(count, int) and isinstance(value, int) and count > value:
            reasons.append(f"{key}={count} instead of {value}")
    return ", ".join(reasons)


def _files(out: Path, job: _Job, extras: frozenset[str]) -> dict[str, Path]:
    """Every file of a scene by what it holds."""
    if job.city == "source":
        stem = f"source_{job.seed:06d}_000000"
        images = out / "cityscapes" / "leftImg8bit" / job.split / "source"
        labels = out / "cityscapes" / "gtFine" / job.split / "source"
        kinds = ("labelTrainIds", "labelIds", "instanceIds", "color")
        return {
            "image": images / f"{stem}_leftImg8bit.png",
            **{kind: labels / f"{stem}_gtFine_{kind}.png" for kind in kinds},
        }
    stem = f"target_{job.seed:07d}_"
    files = {"image": out / "densepass" / "leftImg8bit" / job.split / f"{stem}.png"}
    if job.split != "train":
        labels = out / "densepass" / "gtFine" / job.split
        files["labelTrainIds"] = labels / f"{stem}labelTrainIds.png"
    if _INSTANCES in extras:
        files[_INSTANCES] = out / _INSTANCES / job.split / f"{stem}.png"
    if _BOXES in extras:
        files[_BOXES] = out / _BOXES / job.split / f"{stem}.json"
    return files


def _draw(out: Path, settings: _Settings, extras: frozenset[str], job: _Job) -> None:
    """Render one scene and write its files."""
    city = make_city(job.city, settings.severity)
    scene = build_scene(job.seed, city)
    view = render(
        scene,
        Pinhole(settings.source_size, settings.horizontal_fov, yaw=scene.rig.gaze)
        if job.city == "source"
        else Equirectangular(settings.panorama_size, settings.vertical_fov),
    )
    for kind, path in _files(out, job, extras).items():
        if kind == _BOXES:
            write_atomically(path, boxes_json(view, f"{job.split}/{path.stem}.png"))
            continue
        content = io.BytesIO()
        Image.fromarray(_picture(kind, view, job.seed)).save(
            content, format="PNG", compress_level=2
        )
        write_atomically(path, content.getvalue())


def _picture(kind: str, view: View, seed: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if kind == "image":
        return view.image
    if kind == "labelTrainIds":
        return view.label
    if kind == "labelIds":
        return label_ids(view.label)
    if kind == "instanceIds":
        return instance_ids(view)
    if kind == _INSTANCES:
        return anonymous_instances(view, seed)
    return get_taxonomy("cityscapes-19").colorize(view.label)


def _finish(work: Iterable[None], total: int, title: str) -> None:
    """Wait for all of the work behind a progress bar."""
    for _ in track(work, description=title, total=total, disable=total == 0):
        pass
