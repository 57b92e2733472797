"""Scenes with their instances, drawn when they are first asked for and kept as files.

Classes are kept apart: a training of a small SAM reads the pictures alone, and a measurement that
asks for classes draws them then.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.streetworld.cameras import Equirectangular, Pinhole
from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.rendering import View, default_camera, render
from goodsam_pl.streetworld.scene import build_scene

__all__ = ["Camera", "CityName", "InstancePicture", "InstanceScenes"]

Camera = Literal["equirectangular", "pinhole"]
CityName = Literal["source", "target"]


class InstancePicture(NamedTuple):
    """A picture with its instances.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB.
        instances: ``(H, W)`` int16, ids that mean nothing beyond their picture.
    """

    image: NDArray[np.uint8]
    instances: NDArray[np.int16]


class InstanceScenes:
    """Scenes of StreetWorld as a sequence of pictures; classes only for those who ask.

    Args:
        folder: where the pictures are kept, a file each.
        seeds: of the scenes, one picture each.
        camera: a pinhole's field of view and direction vary.
        cities: taken in turn.
        severity: of the gap between the cities; ``None`` draws it anew for each scene.

    Attributes:
        wraps: the left border continues at the right one.
    """

    def __init__(
        self,
        folder: Path,
        seeds: range,
        camera: Camera,
        cities: tuple[CityName, ...] = ("source", "target"),
        severity: float | None = None,
    ) -> None:
        self._camera = camera
        self._severity = severity
        self._scenes = [(seed, cities[i % len(cities)]) for i, seed in enumerate(seeds)]
        gap = "any" if severity is None else severity
        self._files = [folder / f"{camera}_{city}_{gap}_{seed}.npz" for seed, city in self._scenes]
        self.wraps = camera == "equirectangular"

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> InstancePicture:
        """Read a picture; draw it before, if need be."""
        path = self._files[index]
        if not path.exists():
            self._draw(index)
        return self.read(path)

    @property
    def files(self) -> list[Path]:
        """Where the pictures are, or will be."""
        return list(self._files)

    @staticmethod
    def read(path: Path) -> InstancePicture:
        """Read one of :attr:`files`.

        Raises:
            OSError: the system does not let it be read.
            ValueError: it is damaged.
        """
        return InstancePicture(*_load(path, "image", "instances"))

    def classes(self, index: int) -> NDArray[np.uint8]:
        """The class of each pixel of a picture, to measure masks by.

        Read, or drawn from the same seed into a file beside the picture's.

        Returns:
            ``(H, W)`` Cityscapes trainIds, 255 = void.

        Raises:
            OSError: the system does not let it be read.
            ValueError: it is damaged.
        """
        path = self._files[index].with_suffix(".classes.npz")
        if not path.exists():
            _save(path, classes=self._render(index).label)
        (classes,) = _load(path, "classes")
        return classes

    def draw_missing(self) -> None:
        """Draw what is not there yet, with a progress bar."""
        missing = [index for index, path in enumerate(self._files) if not path.exists()]
        for index in track(missing, f"drawing {self._camera} scenes", disable=not missing):
            self._draw(index)

    def _draw(self, index: int) -> None:
        seen = self._render(index)
        ids = np.unique(seen.instance, return_inverse=True)[1].reshape(seen.instance.shape)
        _save(self._files[index], image=seen.image, instances=ids.astype(np.int16))

    def _render(self, index: int) -> View:
        """Draw a scene; the same view each time."""
        seed, city = self._scenes[index]
        random = np.random.default_rng([seed, 7])
        gap = random.uniform() if self._severity is None else self._severity
        scene = build_scene(seed, make_city(city, gap))
        lens: Equirectangular | Pinhole = default_camera(scene, self._camera)
        if isinstance(lens, Pinhole):
            lens = Pinhole(lens.size, random.uniform(50, 90), random.uniform(-180, 180))
        return render(scene, lens)


def _load(path: Path, *names: str) -> list[NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: broken or cut off ({error}): remove it, it is drawn anew"
        ) from error


def _save(path: Path, **arrays: NDArray[np.generic]) -> None:
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # its stubs take one array for a flag
    write_atomically(path, content.getvalue())
