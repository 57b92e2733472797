"""Write domains of StreetWorld: images with one mask each, for a SAM that learns in sequence."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.streetworld.cameras import Camera, Equirectangular, Pinhole
from goodsam_pl.streetworld.domain_styles import DOMAIN_STYLES, DomainStyle
from goodsam_pl.streetworld.rendering import View, render
from goodsam_pl.streetworld.scene import build_scene
from goodsam_pl.streetworld.seeds import SPLITS

__all__ = ["DOMAIN_VERSION", "export_domains"]

DOMAIN_VERSION = 2
"""Of the domains: it grows whenever the same seed draws other pixels."""

_MANIFEST = "street_domains.json"
_FIRST_SCENE, _SCENES = 90_000, 1_000
"""Where a split's seeds for domains begin, and how many each domain has of them."""

_SMALLEST, _LARGEST = 0.015, 0.5
"""Share of an image that is masked."""

_SHORTEST = 1 / 16
"""Least width and height of the mask, as a share of the image's."""


@dataclass(frozen=True)
class _Settings:
    """What decides about the pixels."""

    version: int
    seed: int
    size: int
    train: int
    val: int
    test: int


class _Job(NamedTuple):
    """One split of one domain, by its number."""

    number: int
    split: str
    images: int


class _Masked(NamedTuple):
    """An image ``(S, S, 3)`` uint8 and its mask ``(S, S)`` bool."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def export_domains(
    out: Path,
    train: int = 80,
    val: int = 10,
    test: int = 20,
    size: int = 192,
    seed: int = 0,
    workers: int | None = None,
    overwrite: bool = False,
) -> None:
    """Draw seven domains of StreetWorld: images with a mask of one thing each, without a class.

    ``OUT/<domain>/<split>/images`` and ``masks`` have files of the same names, a mask is 255 on 0.
    No scene is in two domains or two splits, nor in an export of ``goodsam streetworld`` of
    fewer than 40,000 images. What is there already is not drawn again. The files are the same on
    any number of workers.

    Args:
        out: folder to write to.
        train: images of each domain for training.
        val: images of each domain to choose a model by.
        test: images of each domain for the test.
        size: height and width of the images, pixels.
        seed: another one draws other scenes.
        workers: processes; null takes one for each processor.
        overwrite: delete earlier domains with other settings from the folder.

    Raises:
        ValueError: a count, a size or a seed that cannot be.
        FileExistsError: the folder holds other domains, or data that is not from here.
    """
    settings = _Settings(DOMAIN_VERSION, seed, size, train, val, test)
    _check(settings, workers)
    out = Path(out)
    _claim(out, settings, overwrite)
    jobs = [
        _Job(number, split, count)
        for number in range(len(DOMAIN_STYLES))
        for split, count in (("train", train), ("val", val), ("test", test))
    ]
    missing = [
        job for job in jobs if not all(path.exists() for pair in _files(out, job) for path in pair)
    ]
    draw = partial(_draw, out, settings)
    processes = min(workers or os.cpu_count() or 1, len(missing))
    if processes <= 1:
        _finish(map(draw, missing), len(missing), out)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        _finish(pool.map(draw, missing), len(missing), out)


def _check(settings: _Settings, workers: int | None) -> None:
    for name in ("train", "val", "test"):
        count = getattr(settings, name)
        if not 0 <= count <= _SCENES // 2:
            raise ValueError(f"{name}={count}: choose from 0 to {_SCENES // 2} images")
    if settings.size < 32:
        raise ValueError(f"size={settings.size}: choose at least 32 pixels")
    if settings.seed < 0:
        raise ValueError(f"seed={settings.seed}: choose 0 or more")
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers}: choose at least 1, or null for one a processor")


def _claim(out: Path, settings: _Settings, overwrite: bool) -> None:
    """Make sure that the folder holds these domains, part of them, or nothing."""
    manifest, wanted = out / _MANIFEST, asdict(settings)
    folders = [out / style.name for style in DOMAIN_STYLES]
    if manifest.exists():
        found = json.loads(manifest.read_text(encoding="utf-8"))
        apart = [key for key in wanted if found.get(key) != wanted[key]]
        if apart and not overwrite:
            told = ", ".join(f"{key}={found.get(key)} instead of {wanted[key]}" for key in apart)
            raise FileExistsError(
                f"{out} holds domains with {told}: choose another folder, or draw them anew with "
                "--overwrite=true"
            )
        if apart:
            manifest.unlink()
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
    elif there := [folder for folder in folders if folder.exists()]:
        raise FileExistsError(
            f"{there[0]} is none of ours (there is no {manifest}): choose another folder"
        )
    write_atomically(manifest, f"{json.dumps(wanted, indent=2)}\n".encode())


def _files(out: Path, job: _Job) -> list[tuple[Path, Path]]:
    folder = out / DOMAIN_STYLES[job.number].name / job.split
    names = [f"{number:03d}.png" for number in range(job.images)]
    return [(folder / "images" / name, folder / "masks" / name) for name in names]


def _draw(out: Path, settings: _Settings, job: _Job) -> None:
    """Draw a split of a domain, and write its files."""
    pictures = _pictures(settings, job)
    for image, mask in _files(out, job):
        drawn = next(pictures)
        write_atomically(image, _png(drawn.image))
        write_atomically(mask, _png(np.where(drawn.mask, 255, 0).astype(np.uint8)))


def _pictures(settings: _Settings, job: _Job) -> Iterator[_Masked]:
    """Images with a mask, scene by scene; a scene without a fitting thing is passed over."""
    style = DOMAIN_STYLES[job.number]
    seeds = SPLITS[job.split][_FIRST_SCENE + _SCENES * job.number :][:_SCENES]
    random = np.random.default_rng([settings.seed, job.number, seeds.start])
    for place in random.permutation(len(seeds)).tolist():
        scene = build_scene(seeds[place], style.city)
        view = _squeezed(render(scene, _camera(style, settings.size, random)))
        masks = _candidates(view, style)
        if masks:
            yield _Masked(view.image, masks[int(random.integers(len(masks)))])


def _camera(style: DomainStyle, size: int, random: np.random.Generator) -> Camera:
    """A panorama is of the whole sphere, twice as wide as the squares of a pinhole."""
    if style.camera == "sphere":
        return Equirectangular((size, 2 * size), 180.0, yaw=random.uniform(-180, 180))
    return Pinhole((size, size), random.uniform(50, 80), yaw=random.uniform(-180, 180))


def _squeezed(view: View) -> View:
    """A square of the whole picture: a panorama loses half of its width."""
    height, width = view.label.shape
    if width == height:
        return view
    every = slice(None, None, width // height)
    image = cv2.resize(view.image, (height, height), interpolation=cv2.INTER_AREA)
    return View(
        image.astype(np.uint8), view.label[:, every], view.instance[:, every], view.depth[:, every]
    )


def _candidates(view: View, style: DomainStyle) -> list[NDArray[np.bool_]]:
    """Masks of a fitting size, one for each thing or region of the domain."""
    if style.whole == "thing":
        wanted = np.isin(view.label, [*style.classes])
        masks = [view.instance == number for number in np.unique(view.instance[wanted])]
        masks = [mask & wanted for mask in masks]
    else:
        masks = []
        for number in sorted(style.classes):
            count, parts = cv2.connectedComponents((view.label == number).astype(np.uint8))
            masks += [parts == part for part in range(1, count)]
    return [mask for mask in masks if _fits(mask)]


def _fits(mask: NDArray[np.bool_]) -> bool:
    """Large enough to be segmented, and with something around it."""
    if not _SMALLEST <= mask.mean() <= _LARGEST:
        return False
    sides = [np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1)]
    return all(side[-1] - side[0] + 1 >= _SHORTEST * len(mask) for side in sides)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG", compress_level=2)
    return content.getvalue()


def _finish(work: Iterable[None], total: int, out: Path) -> None:
    """Wait for all of the work behind a progress bar."""
    for _ in track(work, description=f"domains to {out}", total=total, disable=total == 0):
        pass
