"""The stages of a look as a folder, for a report to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from goodsam_pl.views.fused_panorama import FusedPanorama
from goodsam_pl.views.panorama_look import PanoramaLook
from goodsam_pl.views.pictures import image_picture, mask_colors, weight_picture
from goodsam_pl.views.stage_folder import Stage, StageFolder
from goodsam_pl.views.stages import stages_of

__all__ = ["save_look"]

Picture = npt.NDArray[np.uint8]


def save_look(
    look: PanoramaLook,
    folder: Path,
    vertical_fov: float,
    fused: Mapping[str, FusedPanorama] | None = None,
) -> Path:
    """Write every stage that there is, in the order of the method.

    Args:
        look: at a panorama.
        folder: holds a folder for each panorama, see
            :class:`goodsam_pl.views.stage_folder.StageFolder`.
        vertical_fov: of the panorama, degrees.
        fused: what further fusions made of it, by name: their E, M and E_H stand after the run's.

    Returns:
        The folder of this one.

    Raises:
        OSError: it cannot be written.
    """
    taxonomy = look.taxonomy
    stages = StageFolder(
        panorama=look.name,
        vertical_fov=vertical_fov,
        classes=taxonomy.classes,
        palette=taxonomy.palette,
        stages=[*_stages(look, fused or {})],
    )
    return stages.save(folder)


def _stages(look: PanoramaLook, fused: Mapping[str, FusedPanorama]) -> Iterator[Stage]:
    seen = stages_of(look)
    yield Stage("panorama", "image", image_picture(look.image))
    if seen.masks is not None:
        yield Stage("SAM masks", "masks", mask_colors(seen.masks, seen.windows))
    last = [labels for labels in (seen.student, seen.truth) if labels is not None]
    for name, labels in seen.labels.items():
        if last and labels is last[0]:
            yield from _of_fusions(fused)
        yield Stage(name, "labels", _bytes(labels))
        if labels is seen.fused and seen.weight is not None:
            yield Stage("weights M", "weight", _grey(seen.weight))
    if not last:
        yield from _of_fusions(fused)


def _of_fusions(fused: Mapping[str, FusedPanorama]) -> Iterator[Stage]:
    for name, each in fused.items():
        yield Stage(f"{name}: fused labels E", "labels", _bytes(each.label))
        yield Stage(f"{name}: weights M", "weight", _grey(each.weight))
        yield Stage(f"{name}: trusted labels E_H", "labels", _bytes(each.confident))


def _grey(weight: Tensor) -> Picture:
    return weight_picture(weight)[..., 0]


def _bytes(labels: Tensor) -> Picture:
    ids: Picture = labels.cpu().numpy().astype(np.uint8)
    return ids
