"""Stores that a command line names."""

from __future__ import annotations

from pathlib import Path

from goodsam_pl.masks import MaskStore

__all__ = ["check_place", "open_store"]


def open_store(path: Path) -> MaskStore:
    """Open a store that must be there.

    Raises:
        FileNotFoundError: there is no such folder, or no masks in it.
        NotADirectoryError: it is a file.
    """
    check_place(path)
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such folder; `goodsam masks compute` makes one")
    if not (path / "store.json").is_file():
        raise FileNotFoundError(
            f"{path}: no masks in it, as it has no store.json; name the folder that `goodsam masks "
            "compute` wrote to (mask_root in a configuration)"
        )
    return MaskStore.open(path)


def check_place(folder: Path) -> None:
    """Make sure that results can go to a folder, before anything is computed.

    Raises:
        NotADirectoryError: a file is there.
    """
    for each in (folder, *folder.parents):
        if each.exists():
            if not each.is_dir():
                raise NotADirectoryError(f"{each} is a file: name a folder")
            return
