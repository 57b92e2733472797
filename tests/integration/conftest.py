"""A small StreetWorld, and presets that read and write below a temporary folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from goodsam_pl.streetworld.export import export

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import whole

SMALL = {
    "size: [192, 1024]": "size: [48, 256]",
    "window_size: [192, 192]": "window_size: [48, 64]",
    "window_stride: [192, 128]": "window_stride: [48, 64]",
}
"""A quarter of the sizes, for a sixteenth of the time."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with 5 test panoramas: a number that neither 2 nor 3 processes share evenly."""
    out = tmp_path_factory.mktemp("streetworld")
    export(
        str(out),
        source_train=4,
        source_val=2,
        target_train=2,
        target_val=1,
        target_test=5,
        source_size=(64, 128),
        panorama_size=(48, 256),
        workers=1,
    )
    return out


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def preset(world: Path, runs: Path) -> Callable[[str], str]:
    """Copy a preset of ``configs/streetworld`` with its paths moved; returns the copy's path."""

    def copy(name: str) -> str:
        moved = {"data/streetworld": str(world), "runs/streetworld": str(runs)}
        path = runs / f"{name}.yaml"
        path.write_text(whole(f"streetworld/{name}.yaml", moved | SMALL))
        return str(path)

    return copy
