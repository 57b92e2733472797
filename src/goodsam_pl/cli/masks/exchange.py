"""``goodsam masks export`` and ``import``: masks for and from others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from goodsam_pl.cli.masks.image_names import ImageNames
from goodsam_pl.cli.masks.images import reader_for
from goodsam_pl.cli.masks.saved_groups import ImageMasks, SavedGroup, group_files
from goodsam_pl.cli.masks.stores import check_place, open_store
from goodsam_pl.data import PanoramaFormat
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, WindowMasks
from goodsam_pl.masks.annotations import export_record, pack_saved
from goodsam_pl.masks.manifest import Manifest

__all__ = ["export_masks", "import_masks", "pack_masks"]


def export_masks(store: Path, out: Path) -> str:
    """Write masks as JSON with COCO run lengths, one file for each panorama.

    Args:
        store: folder of the masks.
        out: folder for the files.
    """
    masks = open_store(store)
    check_place(out)
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
    """Store masks that SamAutomaticMaskGenerator or another tool made; pickles are never read.

    Files are named as their image: NAME.json, NAME.npz, a folder NAME of PNGs with metadata.csv as
    amg.py writes it, or NAME/0.json, NAME/1.json, ... with one window each. A COCO file is dealt
    out by its file_name. What `goodsam masks export` wrote is found by itself. Train on the store
    without PrecomputeSAM.

    Args:
        masks: folder of the files, or one file.
        store: folder of the masks.
        images: folder of the panoramas that they belong to.
        source: what made them, to be remembered.
        size: height and width of panoramas in training, pixels; masks of whole files of another
            size are resized to it.
        vertical_fov: vertical field of view of a panorama of that size, degrees.
        file_vertical_fov: vertical field of view of the files, degrees, where it is larger; 180 if
            it is not given and the first image is twice as wide as high.
        aspect_tolerance: how far the aspect of a file may be from that of the field of view,
            relative.
        window_size: height and width of the windows that masks are of, pixels; masks are of whole
            panoramas if none is given.
        window_stride: largest vertical and horizontal step between windows, pixels; that of windows
            without overlap if none is given.
    """
    check_place(store)
    files = [] if images is None else [entry.image for entry in folder_entries(images)]
    panoramas = reader_for(
        files, (size[0], size[1]), vertical_fov, file_vertical_fov, aspect_tolerance
    )
    window = panoramas.size if window_size is None else (window_size[0], window_size[1])
    stride = window if window_stride is None else (window_stride[0], window_stride[1])
    windows = WindowGrid.cover(panoramas.size, window, stride)
    names = None if images is None else ImageNames(images, files)
    groups = group_files(masks, names, windows.count)
    proposer: dict[str, str | int | float] = {"proposer": "import", "source": source}
    into = MaskStore.of(store, Manifest(windows, panoramas.view, proposer, logits=False))
    count = _store(groups, names, panoramas, into)
    return f"masks of {count} panoramas: {store}"


def _store(
    groups: Sequence[SavedGroup],
    names: ImageNames | None,
    panoramas: PanoramaFormat,
    into: MaskStore,
) -> int:
    """Store the masks of files, and count the panoramas."""
    read_from: dict[str, Path] = {}
    with progress_bar("masks", len(groups), visible=True) as advance:
        for group in groups:
            for found in group.read(names):
                if found.key in read_from:
                    raise ValueError(
                        f"{found.path}: masks of {found.name}, but {read_from[found.key]} holds "
                        "masks of it, too: leave one of them out, or make one file of both"
                    )
                read_from[found.key] = found.path
                into.write(found.key, found.name, pack_masks(found, panoramas, into.windows))
            advance()
    return len(read_from)


def pack_masks(
    found: ImageMasks, panoramas: PanoramaFormat, windows: WindowGrid
) -> list[WindowMasks]:
    """Masks of one panorama for a store.

    Args:
        found: in files.
        panoramas: how the panorama is read.
        windows: the store's grid.

    Raises:
        ValueError: they are damaged, or of another image or grid; the message names the file.
    """
    band = None if found.image is None else panoramas.locate(found.image)
    try:
        return pack_saved(
            found.masks,
            windows,
            lambda size: panoramas.check_mask_size(size, band),
            lambda size: panoramas.mask_places(size, band),
        )
    except ValueError as error:
        told = str(error)
        named = told.startswith(str(found.path))
        raise ValueError(told if named else f"{found.path}: {error}") from error
