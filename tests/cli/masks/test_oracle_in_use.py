"""The oracle on the command line: in every mode, found again, and refused on other panoramas."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "sam"))

from small_export import write_export

from goodsam_pl.masks import MaskStore, image_key

ORACLE = ("--proposer", "goodsam_pl.sam.StreetWorldOracle", "--proposer.root", "world")


@pytest.mark.parametrize("mode", ["window", "panorama", "quick"])
def test_masks_are_computed_once(mode, goodsam, sizes, workplace):
    paths = write_export(workplace / "world")
    images = "world/densepass/leftImg8bit/val"
    words = ("masks", "compute", images, "masks", "--mode", mode, *sizes, *ORACLE)
    assert "3 panoramas computed" in goodsam(*words).out
    assert "0 panoramas computed, 3 had their masks already" in goodsam(*words).out
    store = MaskStore.open(workplace / "masks")
    assert store.manifest.proposer["proposer"] == "streetworld_oracle"
    assert store.whole == (mode != "window")
    counts = {sum(store.describe(image_key(path))["masks"]) for path in paths}
    assert counts == ({48} if store.whole else {8 * 9})  # blocks of 8×8, windows of 24×24
    assert "100.0% of the pixels" in goodsam("masks", "info", "masks").out


def test_panoramas_of_no_export_are_refused(write_panoramas, fails, sizes, workplace):
    write_export(workplace / "world")
    write_panoramas(1)
    error = fails("masks", "compute", "images", "masks", *sizes, *ORACLE)
    assert "none of the 3 panoramas with instances in world shows this window of 24×128" in error
    assert "Give it the export that the panoramas are of (root)" in error
