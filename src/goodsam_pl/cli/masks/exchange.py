"""``goodsam masks export`` and ``import``: masks for and from others."""

from __future__ import annotations

import json
from pathlib import Path

from goodsam_pl.atomic import write_atomically
from goodsam_pl.cli.masks.images import images_below
from goodsam_pl.cli.masks.saved_files import group_by_image
from goodsam_pl.data import PanoramaFormat
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam import MaskStore
from goodsam_pl.sam.exchange import export_record, pack_saved
from goodsam_pl.sam.manifest import Manifest
from goodsam_pl.sam.progress import progress_bar

__all__ = ["export_masks", "import_masks"]


def export_masks(store: Path, out: Path) -> str:
    """Write masks as JSON with COCO run lengths, one file for each panorama.

    Args:
        store: folder of the masks.
        out: folder for the files.
    """
    masks = MaskStore.open(store)
    keys = list(masks)
    taken: set[str] = set()
    with progress_bar("masks", len(keys), visible=True) as advance:
        for key in keys:
            name = Path(masks.describe(key)["name"]).stem
            if name in taken:
                name = f"{name}.{key[:8]}"
            taken.add(name)
            write_atomically(out / f"{name}.json", json.dumps(export_record(masks, key)).encode())
            advance()
    return f"masks of {len(keys)} panoramas: {out}"


def import_masks(
    masks: Path,
    store: Path,
    images: Path | None = None,
    source: str = "import",
    size: tuple[int, int] = (192, 1024),
    vertical_fov: float = 67.5,
    file_vertical_fov: float | None = None,
    aspect_tolerance: float = 0.05,
    window_size: tuple[int, int] | None = None,
    window_stride: tuple[int, int] | None = None,
) -> str:
    """Store masks that SamAutomaticMaskGenerator made: JSON or .npz files, never pickles.

    Files are named as their image: NAME.json, or NAME/0.json, NAME/1.json, ... with one window
    each. What `goodsam masks export` wrote is found by itself. Train on the store without
    PrecomputeSAM.

    Args:
        masks: folder of the files.
        store: folder of the masks.
        images: folder of the panoramas that they belong to.
        source: what made them, to be remembered.
        size: height and width of panoramas in training, pixels; masks of whole files of another
            size are resized to it.
        vertical_fov: vertical field of view of a panorama of that size, degrees.
        file_vertical_fov: vertical field of view of the files, degrees, where it is larger.
        aspect_tolerance: how far the aspect of a file may be from that of the field of view,
            relative.
        window_size: height and width of the windows that masks are of, pixels; masks are of whole
            panoramas if none is given.
        window_stride: largest vertical and horizontal step between windows, pixels; that of windows
            without overlap if none is given.
    """
    panoramas = PanoramaFormat(
        (size[0], size[1]), vertical_fov, file_vertical_fov or vertical_fov, aspect_tolerance
    )
    window = panoramas.size if window_size is None else (window_size[0], window_size[1])
    stride = window if window_stride is None else (window_stride[0], window_stride[1])
    windows = WindowGrid.cover(panoramas.size, window, stride)
    groups = group_by_image(masks, [] if images is None else images_below(images))
    proposer: dict[str, str | int | float] = {"proposer": "import", "source": source}
    into = MaskStore.of(store, Manifest(windows, panoramas.view, proposer, logits=False))
    with progress_bar("masks", len(groups), visible=True) as advance:
        for group in groups:
            key, found = group.read()
            try:
                packed = pack_saved(found, windows, panoramas.fit_mask)
            except ValueError as error:
                raise ValueError(f"{group.files[0].path}: {error}") from error
            into.write(key, group.name, packed)
            advance()
    return f"masks of {len(groups)} panoramas: {store}"
