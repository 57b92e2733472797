"""Names in the code may change; what stores of masks say of their proposer may not."""

from __future__ import annotations

import pytest

from goodsam_pl.files import fingerprint_of
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.manifest import Manifest
from goodsam_pl.sam import Felzenszwalb, SegmentAnything
from goodsam_pl.sam.panorama_generator import for_mode

GRID = WindowGrid.cover((192, 1024), (192, 256), (192, 128))


def test_proposers_keep_their_fingerprints() -> None:
    assert fingerprint_of(SegmentAnything().describe()) == (
        "a29e397f7115a1c4db66bed9792912420af37ea8097d4b586d5f1c1afc80e332"
    )
    assert fingerprint_of(Felzenszwalb().describe()) == (
        "101291f0784714be7471e4c238de549b37f7df67c1f77dbbd2cba85e5b08cfce"
    )


@pytest.mark.parametrize(
    ("mode", "fingerprint"),
    [
        ("panorama", "cb82f8e84dda4e2a65456e900ad1b849954a92487712bbda190177bf96c8ce93"),
        ("quick", "d3d8a2e9d3eea37f4c7dfef176e272d3e83fec74bfef11d8a4d6f656c917fc80"),
        ("window", "f996a7e98ba43eb516240a22611b6e15abeb3565b06d7f8d03f4e9485d01987f"),
    ],
)
def test_stores_of_the_default_proposer_are_found_again(mode, fingerprint) -> None:
    proposer, windows = for_mode(mode, SegmentAnything(), GRID)
    view = {"horizontal_fov": 360.0, "vertical_fov": 70.0}
    assert Manifest(windows, view, proposer.describe()).fingerprint == fingerprint
