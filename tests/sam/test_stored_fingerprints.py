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
        "89dec104fab4df43827635ebd7c882f6b19bcc775534ac62fa1d89bab753fba4"
    )
    assert fingerprint_of(Felzenszwalb().describe()) == (
        "101291f0784714be7471e4c238de549b37f7df67c1f77dbbd2cba85e5b08cfce"
    )


@pytest.mark.parametrize(
    ("mode", "fingerprint"),
    [
        ("panorama", "c1bf51c31a1578515f81da52f57c830f9f876b18cb5c697eabdf131cdd22b01b"),
        ("quick", "5b08ab9f5e489f1aaa34497c5a20900dfb8712eceff56fb74bf02ae138d30878"),
        ("window", "ee80c4c4eae60d82b0b721191f13945ad654a8e985b3009743548ab1b17860fa"),
    ],
)
def test_stores_of_the_default_proposer_are_found_again(mode, fingerprint) -> None:
    proposer, windows = for_mode(mode, SegmentAnything(), GRID)
    view = {"horizontal_fov": 360.0, "vertical_fov": 70.0}
    assert Manifest(windows, view, proposer.describe()).fingerprint == fingerprint
