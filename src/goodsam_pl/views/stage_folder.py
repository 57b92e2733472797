"""The stages of one panorama as a folder: pictures and label maps that a report turns around in.

``DIR/<panorama>/stages.json`` names the panorama, the degrees it spans from top to bottom, its
classes with their colours, and its stages in the order of the method, each with its file beside it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from goodsam_pl.data.decoding import open_image
from goodsam_pl.files import read_regular
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["INDEX", "Stage", "StageFolder", "StageKind", "stage_folders"]

StageKind = Literal["image", "labels", "weight", "masks"]
"""What the pixels of a stage are, see :class:`Stage`."""

INDEX = "stages.json"
"""What names the stages; a folder that has it is one of stages."""

_QUALITY = 90  # of photographs; ids and weights are written without loss


@dataclass(frozen=True, eq=False)
class Stage:
    """What one stage says of a panorama.

    Attributes:
        name: for people: ``student``.
        kind: ``image``, a picture; ``labels``, class ids with 255 for void; ``weight``, grey from 0
            (not trusted) to 255 (trusted); ``masks``, a picture with a colour for each mask and
            black where there is none.
        pixels: uint8; ``(H, W, 3)`` of an image and of masks, else ``(H, W)``.

    Raises:
        ValueError: the pixels are not of this kind.
    """

    name: str
    kind: StageKind
    pixels: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.kind not in get_args(StageKind):
            known = ", ".join(get_args(StageKind))
            raise ValueError(f"stage {self.name!r}: {self.kind!r} is no kind, it is one of {known}")
        colored = self.kind in {"image", "masks"}
        shape = self.pixels.shape
        fits = shape[2:] == ((3,) if colored else ()) and len(shape) >= 2 and min(shape) > 0
        if self.pixels.dtype != np.uint8 or not fits:
            wanted = "(H, W, 3)" if colored else "(H, W)"
            raise ValueError(
                f"stage {self.name!r}: {self.kind} are uint8 {wanted}, these are "
                f"{self.pixels.dtype} {shape}"
            )


@dataclass(frozen=True, eq=False)
class StageFolder:
    """All stages of one panorama.

    Attributes:
        panorama: its name, which may have folders in it.
        vertical_fov: degrees from top to bottom of every stage, the horizon in the middle.
        classes: their names; the place of a class is its id.
        palette: an RGB colour for each class.
        stages: in the order of the method; sizes may differ, all show the same part of the sphere.

    Raises:
        ValueError: the parts do not fit together.
    """

    panorama: str
    vertical_fov: float
    classes: Sequence[str]
    palette: Sequence[tuple[int, int, int]]
    stages: Sequence[Stage]

    def __post_init__(self) -> None:
        if not self.panorama or Path(self.panorama).is_absolute() or ".." in self._parts:
            raise ValueError(f"panorama {self.panorama!r}: give a name, or a path below a folder")
        if not 0 < self.vertical_fov <= 180:
            raise ValueError(f"vertical_fov {self.vertical_fov} is not in (0, 180] degrees")
        if len(self.classes) != len(self.palette):
            raise ValueError(
                f"{len(self.classes)} classes have {len(self.palette)} colours: give one for each"
            )
        for stage in self.stages:
            if stage.kind == "labels":
                self._check_ids(stage)

    @property
    def _parts(self) -> tuple[str, ...]:
        return Path(self.panorama).parts

    def _check_ids(self, stage: Stage) -> None:
        ids = stage.pixels[stage.pixels != IGNORE_INDEX]
        if ids.size and ids.max() >= len(self.classes):
            raise ValueError(
                f"stage {stage.name!r} has the id {ids.max()}, and there are {len(self.classes)} "
                f"classes: ids are places in the list of classes, {IGNORE_INDEX} is void"
            )

    def save(self, root: Path) -> Path:
        """Write all files; the index comes last, so that a folder with one is whole.

        Args:
            root: holds a folder for each panorama.

        Returns:
            The folder of this one.

        Raises:
            OSError: it cannot be written.
        """
        folder = root / self.panorama
        entries = []
        for place, stage in enumerate(self.stages):
            suffix = "jpg" if stage.kind == "image" else "png"
            words = re.sub(r"[^a-z0-9]+", "_", stage.name.lower()).strip("_")[:60]
            file = f"{place:02d}_{words}.{suffix}"
            write_atomically(folder / file, _encoded(stage))
            entries.append({"name": stage.name, "kind": stage.kind, "file": file})
        index = {
            "panorama": self.panorama,
            "vertical_fov": self.vertical_fov,
            "classes": list(self.classes),
            "palette": [list(color) for color in self.palette],
            "stages": entries,
        }
        text = json.dumps(index, indent=2, ensure_ascii=False) + "\n"
        write_atomically(folder / INDEX, text.encode())
        return folder

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the folder of one panorama.

        Args:
            folder: the one with the index in it.

        Raises:
            FileNotFoundError: there is no index, or a file that it names is missing.
            ValueError: the index, or a file, is damaged.
        """
        path = folder / INDEX
        try:
            content = json.loads(read_regular(path))
            named = [(each["name"], each["kind"], each["file"]) for each in content["stages"]]
            about = _about(content)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(
                f"{path} does not say what stages there are ({type(error).__name__}: {error}): "
                "write the folder again"
            ) from error
        try:
            stages = [_read(folder, *each) for each in named]
            return cls(**about, stages=stages)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def stage_folders(root: Path) -> list[Path]:
    """The folders of panoramas below a folder, or that folder itself, by name."""
    return sorted(path.parent for path in root.rglob(INDEX))


def _about(content: dict[str, Any]) -> dict[str, Any]:
    palette = [tuple(map(int, color)) for color in content["palette"]]
    if any(len(color) != 3 or not all(0 <= part <= 255 for part in color) for color in palette):
        raise ValueError("a colour is three numbers from 0 to 255")
    return {
        "panorama": str(content["panorama"]),
        "vertical_fov": float(content["vertical_fov"]),
        "classes": tuple(map(str, content["classes"])),
        "palette": tuple(palette),
    }


def _read(folder: Path, name: object, kind: object, file: object) -> Stage:
    if kind not in get_args(StageKind):
        raise ValueError(f"stage {name!r}: {kind!r} is no kind of stage")
    if not isinstance(file, str) or Path(file).name != file:
        raise ValueError(f"stage {name!r}: {file!r} is no name of a file in this folder")
    known = cast("StageKind", kind)
    with open_image(folder / file) as image:
        pixels = image.pixels() if kind in {"image", "masks"} else image.ids()
    return Stage(str(name), known, np.asarray(pixels, np.uint8))


def _encoded(stage: Stage) -> bytes:
    content = io.BytesIO()
    image = Image.fromarray(stage.pixels)
    if stage.kind == "image":
        image.save(content, format="JPEG", quality=_QUALITY)
    else:
        image.save(content, format="PNG")
    return content.getvalue()
