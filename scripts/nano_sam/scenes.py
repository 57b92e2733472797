"""Rendered scenes as memory-mapped arrays, and windows cut from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from goodsam_pl.streetworld import (
    Equirectangular,
    Pinhole,
    build_scene,
    default_camera,
    make_city,
    render,
)

__all__ = ["City", "Pictures", "Window", "cut_window", "render_pictures"]

WINDOW = 192
City = Literal["source", "target"]


class Pictures(NamedTuple):
    """Pictures of one size with their instances.

    Attributes:
        images: ``(n, H, W, 3)`` uint8 RGB.
        instances: ``(n, H, W)`` int16, ids that mean nothing beyond their picture.
        wraps: the left border continues at the right one.
    """

    images: NDArray[np.uint8]
    instances: NDArray[np.int16]
    wraps: bool


class Window(NamedTuple):
    """A square cut-out: image ``(192, 192, 3)`` uint8 and instances ``(192, 192)`` int16."""

    image: NDArray[np.uint8]
    instances: NDArray[np.int16]


def render_pictures(
    folder: Path,
    seeds: range,
    camera: Literal["equirectangular", "pinhole"],
    cities: tuple[City, ...] = ("source", "target"),
    severity: float | None = None,
) -> Pictures:
    """Render scenes, or map them if they are there already.

    Args:
        folder: where the arrays lie; one pair per call with other arguments.
        seeds: of the scenes, one picture each.
        camera: a pinhole's field of view and direction vary.
        cities: taken in turn.
        severity: of the gap between the cities; ``None`` draws it anew for each scene.
    """
    name = f"{seeds.start}_{len(seeds)}_{camera}_{'-'.join(cities)}_{severity}"
    paths = [folder / f"{name}_{kind}.npy" for kind in ("images", "instances")]
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        _render(paths, seeds, camera, cities, severity)
    images, instances = (np.load(path, mmap_mode="r") for path in paths)
    return Pictures(images, instances, camera == "equirectangular")


def _render(
    paths: list[Path],
    seeds: range,
    camera: str,
    cities: tuple[City, ...],
    severity: float | None,
) -> None:
    """Render into files with other names first, so that half a rendering is never taken for one."""
    parts = [path.with_suffix(f".{os.getpid()}.part") for path in paths]
    size = Equirectangular().size if camera == "equirectangular" else Pinhole().size
    images = np.lib.format.open_memmap(parts[0], "w+", np.uint8, (len(seeds), *size, 3))
    instances = np.lib.format.open_memmap(parts[1], "w+", np.int16, (len(seeds), *size))
    for index, seed in enumerate(track(seeds, description=f"rendering {camera}")):
        random = np.random.default_rng([seed, 7])
        gap = random.uniform() if severity is None else severity
        scene = build_scene(seed, make_city(cities[index % len(cities)], gap))
        lens = default_camera(scene, "pinhole" if camera == "pinhole" else "equirectangular")
        if isinstance(lens, Pinhole):
            lens = Pinhole(lens.size, random.uniform(50, 90), random.uniform(-180, 180))
        seen = render(scene, lens)
        images[index] = seen.image
        instances[index] = np.unique(seen.instance, return_inverse=True)[1].reshape(size)
    for array, part, path in zip((images, instances), parts, paths, strict=True):
        array.flush()
        part.replace(path)


def cut_window(pictures: Pictures, random: np.random.Generator, zoom: float = 0.3) -> Window:
    """Cut a window at a random place, around the seam too.

    Args:
        pictures: where from.
        random: draws picture, place, size and flip.
        zoom: probability of a smaller cut-out, down to 112 pixels, enlarged to 192.
    """
    index = int(random.integers(len(pictures.images)))
    height, width = pictures.instances.shape[1:]
    side = int(random.integers(112, WINDOW)) if random.uniform() < zoom else WINDOW
    top = int(random.integers(height - side + 1))
    left = int(random.integers(width if pictures.wraps else width - side + 1))
    columns = np.arange(left, left + side) % width
    image = pictures.images[index, top : top + side][:, columns]
    instances = pictures.instances[index, top : top + side][:, columns]
    if side != WINDOW:
        image = cv2.resize(image, (WINDOW, WINDOW), interpolation=cv2.INTER_LINEAR)
        instances = cv2.resize(instances, (WINDOW, WINDOW), interpolation=cv2.INTER_NEAREST)
    if random.uniform() < 0.5:
        image, instances = image[:, ::-1], instances[:, ::-1]
    return Window(np.ascontiguousarray(image), np.ascontiguousarray(instances))
