"""Stores are opened where they are, and missed with the command that makes them."""

from __future__ import annotations

import pytest

from goodsam_pl.cli.masks.stores import check_place, open_store
from goodsam_pl.masks import MaskStore


def test_a_store_that_is_there(workplace, grid, brightness):
    made = MaskStore.create(workplace / "masks", grid, brightness())
    opened = open_store(workplace / "masks")
    assert (opened.root, opened.fingerprint) == (made.root, made.fingerprint)


def test_what_is_missing_is_named(workplace):
    with pytest.raises(FileNotFoundError, match=r"none: no such folder; `goodsam masks compute`"):
        open_store(workplace / "none")
    with pytest.raises(FileNotFoundError, match=r"as it has no store\.json; name the folder that"):
        open_store(workplace)


def test_results_go_to_folders_and_below(workplace):
    (workplace / "file").touch()
    for folder in (workplace, workplace / "not" / "made yet"):
        check_place(folder)
    assert not (workplace / "not").exists()
    for folder in (workplace / "file", workplace / "file" / "below" / "it"):
        for check in (check_place, open_store):
            with pytest.raises(NotADirectoryError, match=rf"^{workplace}/file is a file: name a"):
                check(folder)
