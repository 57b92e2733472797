"""``goodsam map``: what was found where, for a map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.cli.answers import Answer, answer
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.geotags import heading_of, place_of, time_of
from goodsam_pl.data.picture_tags import PictureTags, read_picture_tags
from goodsam_pl.files import write_errors_explained
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.geometry.solid_angles import row_solid_angles
from goodsam_pl.views.place_list import PlacedPanorama, as_csv, as_geojson
from goodsam_pl.views.report.panorama_sources import PREDICTIONS, Predictions
from goodsam_pl.views.report.shown_stage import Span

__all__ = ["map_predictions"]

_FORMS = {".geojson": as_geojson, ".json": as_geojson, ".csv": as_csv}
_NAMED = 10
"""How many panoramas without a place are named; JSON names all."""


def map_predictions(
    predictions: Path, out: Path, panoramas: Path | None = None, json: bool = False
) -> Answer:
    """Write a point for each panorama that says where it was taken, with the shares of its classes.

    Shares are of solid angle: what is near the zenith or below the camera fills many pixels and
    little of the view. Places are read of the panoramas, or of the labels where those are gone.

    Args:
        predictions: a folder of `goodsam predict`.
        out: the file: .geojson, or .csv for a table.
        panoramas: where the panoramas lie now, if they have moved.
        json: print what was written as JSON.

    Raises:
        FileNotFoundError: there are no predictions in the folder, or panoramas are not where they
            are said to be.
        ValueError: another suffix, a damaged file, or no panorama has a place.
    """
    form = _FORMS.get(out.suffix.lower())
    if form is None or out.is_dir():
        raise ValueError(f"out {out}: name a file that ends with .geojson or .csv")
    if not (predictions / PREDICTIONS).is_file():
        raise FileNotFoundError(
            f"{predictions}: no {PREDICTIONS} in it: name a folder that `goodsam predict` wrote to"
        )
    source = Predictions(predictions, predictions.name, panoramas)
    names = source.panoramas()
    placed: list[PlacedPanorama] = []
    without: list[str] = []
    with progress_bar("places", len(names), visible=not json) as advance:
        for name in names:
            found = _placed(source, name, may_be_gone=panoramas is None)
            if found is None:
                without.append(source.file_name(name))
            else:
                placed.append(found)
            advance()
    if not placed:
        raise ValueError(
            f"{predictions}: none of {len(names)} panoramas says where it was taken: a map needs "
            "the GPS tags of EXIF, which `exiftool -geotag TRACK.gpx FOLDER` writes from a track"
        )
    with write_errors_explained(out.parent, elsewhere="name another file"):
        write_atomically(out, form(placed))
    content = {"map": out, "panoramas": len(placed), "without_place": without}
    return answer(f"{out}: {len(placed)} panoramas{_told(without)}", content, json=json)


def _placed(source: Predictions, name: str, *, may_be_gone: bool) -> PlacedPanorama | None:
    label_file = source.label_file(name)
    with open_image(label_file) as image:
        label = image.ids()
        own_tags = read_picture_tags(image)
    try:
        tags = _tags(source.photograph(name))
    except FileNotFoundError:
        if not may_be_gone:
            raise
        tags = own_tags
    place = place_of(tags)
    if place is None:
        return None
    labelled, shares = _shares(label, source.span(name), source.classes)
    return PlacedPanorama(
        source.file_name(name), place, heading_of(tags), time_of(tags), labelled, shares
    )


def _tags(path: Path) -> PictureTags:
    with open_image(path) as image:
        return read_picture_tags(image)


def _shares(
    label: NDArray[np.uint8], span: Span, classes: Sequence[str]
) -> tuple[float, dict[str, float]]:
    """Share of the sphere with a class, and the share of each class in that."""
    height, width = label.shape
    # tags are rounded to pixels: a hair beyond the pole is the pole
    rows = row_solid_angles(height, min(span.top, 90), min(-span.bottom, 90)).numpy() / width
    angles = np.bincount(label.ravel(), np.repeat(rows, width), minlength=256)[: len(classes)]
    total = float(angles.sum())
    shares = angles / total if total else angles
    return total / (4 * math.pi), dict(zip(classes, shares.tolist(), strict=True))


def _told(without: Sequence[str]) -> str:
    if not without:
        return ""
    more = len(without) - _NAMED
    names = ", ".join(without[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"; {len(without)} say no place and are left out: {names}"
