"""``goodsam cutout``: what pinhole cameras would see of panoramas and their labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from json import dumps
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from goodsam_pl.cli.answers import Answer, answer
from goodsam_pl.cli.masks.stores import check_place
from goodsam_pl.data.decoding import EncodedImage, open_image
from goodsam_pl.data.entries import Entry, folder_entries
from goodsam_pl.data.folder_labels import label_files
from goodsam_pl.data.geotags import turned_by
from goodsam_pl.data.listing import RESULTS_MARKER
from goodsam_pl.data.panorama_format import stated_view
from goodsam_pl.data.perspective_view import PanoramaSpan, PerspectiveView
from goodsam_pl.data.picture_tags import KeptTags, read_picture_tags
from goodsam_pl.files import write_errors_explained
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.files.result_names import file_name

__all__ = ["cutout"]

_MARKER = b"Views out of panoramas lie here: no image in this folder is taken for a panorama.\n"
_SETTINGS = "cutouts.json"
_QUALITY = 95
_ROUNDING = 0.01
"""How far heights may be off by rounding, relative: our choice, as for tags."""


@dataclass(frozen=True)
class _Work:
    """What is written for each panorama.

    Attributes:
        out: the folder.
        views: the cameras.
        suffix: of pictures.
        vertical_fov: of panoramas that do not say it, degrees; ``None`` where pixels are square.
        kept: which tags go on.
    """

    out: Path
    views: Sequence[PerspectiveView]
    suffix: str
    vertical_fov: float | None
    kept: KeptTags

    def files(self, name: str, folder: str, suffix: str) -> list[Path]:
        """A file for each view."""
        return [self.out / folder / file_name(f"{name}_{view.name}", suffix) for view in self.views]


def cutout(
    panoramas: Path,
    out: Path,
    labels: Path | None = None,
    yaw: Sequence[float] = (0.0, 90.0, 180.0, 270.0),
    pitch: Sequence[float] = (0.0,),
    fov: float = 90.0,
    size: tuple[int, int] = (512, 512),
    vertical_fov: float | None = None,
    format: Literal["jpg", "png"] = "jpg",  # noqa: A002  # a user's word
    keep_metadata: Literal["all", "projection", "none"] = "all",
    json: bool = False,
) -> Answer:
    """Cut views out of panoramas, as pinhole cameras in their middle would have them.

    Pictures go to OUT/images, labels to OUT/labels, where the layout plain of a data set has them.
    Each says where it was taken and where it looks, if its panorama does. What a panorama does not
    show is black, and void in labels. Views that are there and not older than their panorama are
    left as they are.

    Args:
        panoramas: a panorama, or a folder of them.
        out: folder of the views.
        labels: of the panoramas: a folder of `goodsam predict`, of label files, or one file.
        yaw: where the cameras look, degrees to the right of the panorama's middle.
        pitch: degrees above the horizon; each yaw is seen at each pitch.
        fov: degrees from the left to the right edge of a view.
        size: height and width of a view, pixels.
        vertical_fov: of panoramas without GPano tags, degrees, the horizon in the middle; by their
            width and height if none is given.
        format: of the pictures; labels are PNG.
        keep_metadata: whether pictures say place and time: all; or not: projection, none.
        json: print what was written as JSON.

    Raises:
        FileNotFoundError: a panorama or a label is not there.
        ValueError: angles that no camera has, views of other settings in OUT, or files that cannot
            be read, each named after all others are done.
    """
    views = [PerspectiveView(y, p, fov, size) for p, y in product(pitch, yaw)]
    if len({view.name for view in views}) < len(views):
        raise ValueError(f"yaw {list(yaw)}, pitch {list(pitch)}: some views are asked for twice")
    entries = _entries(panoramas)
    settings = {
        "fov": fov,
        "size": list(size),
        "vertical_fov": vertical_fov,
        "format": format,
        "keep_metadata": keep_metadata,
    }
    work = _Work(out, views, f".{format}", vertical_fov, keep_metadata)
    failed: list[str] = []
    written = 0
    with (
        write_errors_explained(out),
        progress_bar("views", len(entries), visible=not json) as advance,
    ):
        _take(out, settings)
        for entry in entries:
            label = None if labels is None else _label_of(entry, labels, panoramas)
            try:
                written += _cut(entry, label, work)
            except ValueError as error:
                failed.append(str(error))
            advance()
    if failed:
        told = "\n".join(f"  {each}" for each in failed)
        raise ValueError(f"{len(failed)} of {len(entries)} panoramas have no views:\n{told}")
    content = {
        "out": out,
        "panoramas": len(entries),
        "views": [view.name for view in views],
        "written": written,
        "there_before": len(entries) * len(views) - written,
    }
    before = f", {content['there_before']} were there" if content["there_before"] else ""
    return answer(f"{out}: {written} views of {len(entries)} panoramas{before}", content, json=json)


def _entries(panoramas: Path) -> list[Entry]:
    if panoramas.is_file():
        return [Entry(panoramas, None, None, panoramas.stem)]
    return folder_entries(panoramas)


def _take(out: Path, settings: dict[str, Any]) -> None:
    """Make sure that all views of a folder are of one kind.

    Raises:
        ValueError: others are there.
    """
    check_place(out)
    path = out / _SETTINGS
    content = (dumps(settings) + "\n").encode()
    if path.is_file() and path.read_bytes() != content:
        raise ValueError(
            f"{out} holds views of other settings ({path} has them, asked for are "
            f"{dumps(settings)}): name another folder, or remove it"
        )
    write_atomically(out / RESULTS_MARKER, _MARKER)
    write_atomically(path, content)


def _label_of(entry: Entry, labels: Path, panoramas: Path) -> Path:
    if labels.is_file():
        if not panoramas.is_file():
            raise ValueError(f"{labels} is one label, {panoramas} a folder: name their folder")
        return labels
    path = label_files(labels) / file_name(entry.name, ".png")
    if not path.is_file():
        raise FileNotFoundError(f"{entry.image} has no label: {path} does not exist")
    return path


def _cut(entry: Entry, label: Path | None, work: _Work) -> int:
    """Write what is missing of a panorama; how many views were cut.

    Raises:
        ValueError: a file is damaged, or the label does not fit.
    """
    written = 0
    pictures = work.files(entry.name, "images", work.suffix)
    with open_image(entry.image) as image:
        span, image_size = _span(image, work.vertical_fov), image.size
        if not all(_is_there(path, entry.image) for path in pictures):
            tags = read_picture_tags(image).kept(work.kept)
            pixels = image.pixels()
            for view, path in zip(work.views, pictures, strict=True):
                options = turned_by(tags, view.yaw).save_options(work.suffix)
                content = _encode(Image.fromarray(view.image(pixels, span)), path, options)
                write_atomically(path, content)
                written += 1
    if label is not None:
        masks = work.files(entry.name, "labels", ".png")
        if not all(_is_there(path, label) for path in masks):
            ids, palette = _read_label(label, image_size, entry.image)
            for view, path in zip(work.views, masks, strict=True):
                picture = Image.fromarray(view.label(ids, span))
                if palette:
                    picture.putpalette(palette)
                write_atomically(path, _encode(picture, path, {}))
    return written


def _span(image: EncodedImage, vertical_fov: float | None) -> PanoramaSpan:
    """What a panorama shows."""
    tags = stated_view(image)
    if tags is not None and tags.width is not None:
        return PanoramaSpan(min(tags.above, 90), min(tags.below, 90))
    height, width = image.size
    degrees = 360 * height / width if vertical_fov is None else vertical_fov
    if not 0 < degrees <= 180 * (1 + _ROUNDING):
        raise ValueError(
            f"{image.path}: {width}×{height} pixels are 360° by {degrees:.1f}°, a sphere has 180°: "
            "give the true vertical_fov, or crop it to the panorama"
        )
    return PanoramaSpan(min(degrees, 180) / 2, min(degrees, 180) / 2)


def _read_label(
    path: Path, size: tuple[int, int], panorama: Path
) -> tuple[NDArray[np.uint8], bytes]:
    with open_image(path) as label:
        if abs(label.size[0] * size[1] / (label.size[1] * size[0]) - 1) > _ROUNDING:
            raise ValueError(
                f"{path}: {label.size[1]}×{label.size[0]} pixels, but {panorama} has "
                f"{size[1]}×{size[0]}: predict with label_size file, so that labels show all of "
                "their panorama"
            )
        return label.ids(), label.palette


def _is_there(path: Path, source: Path) -> bool:
    return path.is_file() and path.stat().st_mtime_ns >= source.stat().st_mtime_ns


def _encode(picture: Image.Image, path: Path, options: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    if path.suffix == ".png":
        picture.save(content, format="PNG", **options)
    else:
        picture.save(content, format="JPEG", quality=_QUALITY, **options)
    return content.getvalue()
