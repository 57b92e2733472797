"""The panoramas of a folder, as training would read them."""

from __future__ import annotations

from pathlib import Path

from goodsam_pl.data import PanoramaFormat
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS, Entry, Request, list_entries
from goodsam_pl.sam import MaskStore

__all__ = ["images_below", "reader_of"]


def images_below(folder: Path) -> list[Entry]:
    """Every image below a folder, in the order of their names.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is no image in it.
    """
    return list_entries(PANORAMA_LAYOUTS, "folder", Request(folder, "train", "cityscapes-19"))


def reader_of(store: MaskStore) -> PanoramaFormat:
    """What reads panoramas as the store's masks see them."""
    height, width = store.windows.image_size
    vertical_fov = store.view.get("vertical_fov", 360 * height / width)
    file_vertical_fov = store.view.get("file_vertical_fov", vertical_fov)
    # whoever made the masks has looked at the aspect
    return PanoramaFormat((height, width), vertical_fov, file_vertical_fov, float("inf"))
