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
        "70e6a3e5a3a5e9bd7304f9d130523195e1a5ae0325def7b7f8bde09e29997e89"
    )
    assert fingerprint_of(Felzenszwalb().describe()) == (
        "101291f0784714be7471e4c238de549b37f7df67c1f77dbbd2cba85e5b08cfce"
    )


@pytest.mark.parametrize(
    ("mode", "fingerprint"),
    [
        ("panorama", "e19fc1ba571ea0e3099729cf7c5d19c08ddfd3ade6ec4887956bf7bb6b783c8e"),
        ("quick", "fc1c1fe3ff0876a7ddd8c4d6a405c732f7e6bfaa388738fd5c4cdaa73aec6f1e"),
        ("window", "21837b8f28fdcb123d93174da1c92a38de4cdd3e8ce11f499eccfae9282054bc"),
    ],
)
def test_stores_of_the_default_proposer_are_found_again(mode, fingerprint) -> None:
    proposer, windows = for_mode(mode, SegmentAnything(), GRID)
    view = {"horizontal_fov": 360.0, "vertical_fov": 70.0}
    assert Manifest(windows, view, proposer.describe()).fingerprint == fingerprint
