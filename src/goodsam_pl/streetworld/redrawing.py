"""Draw again what an export shows, for studies: its training panoramas have no labels on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from goodsam_pl.files import read_regular
from goodsam_pl.streetworld.cameras import Equirectangular
from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.export import VERSION
from goodsam_pl.streetworld.rendering import render
from goodsam_pl.streetworld.scene import build_scene

__all__ = ["true_label"]

_NAME = re.compile(r"target_(\d+)_")
_TOLERANCE = 1.0
"""Grey levels that a picture may differ from the file by, on average: what another processor
rounds otherwise. Two scenes differ by dozens."""


def true_label(panorama: Path) -> NDArray[np.uint8]:
    """The label of a panorama of an export, whether it was written or not.

    No method may see it of a training panorama; it tells how far true labels would bring one.

    Args:
        panorama: ``OUT/densepass/leftImg8bit/<split>/target_<seed>_.png``, where
            ``goodsam streetworld`` put it.

    Returns:
        trainIds of Cityscapes, uint8 ``(H, W)``, 255 where there is no class.

    Raises:
        ValueError: the file is of no export of this version, or shows something else.
    """
    name, manifest = _NAME.fullmatch(panorama.stem), _manifest_of(panorama)
    try:
        settings = json.loads(read_regular(manifest))["settings"]
        height, width = settings["panorama_size"]
        camera = Equirectangular((height, width), settings["vertical_fov"])
        version, severity = settings["version"], settings["severity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{panorama}: its true label is not known, as {manifest} is not that of an export "
            f"({error}): take panoramas where `goodsam streetworld` put them"
        ) from error
    if name is None or version != VERSION:
        raise ValueError(
            f"{panorama}: its true label is not known, as it is no panorama of StreetWorld "
            f"{VERSION}: draw the export anew"
        )
    view = render(build_scene(int(name[1]), make_city("target", severity)), camera)
    with Image.open(panorama) as image:
        shown = np.asarray(image.convert("RGB"), dtype=np.int16)
    if shown.shape != view.image.shape or np.abs(shown - view.image).mean() > _TOLERANCE:
        raise ValueError(f"{panorama} does not show the scene of its name: draw the export anew")
    return view.label


def _manifest_of(panorama: Path) -> Path:
    return panorama.absolute().parent.parent.parent.parent / "streetworld.json"
