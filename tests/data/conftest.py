from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Writer = Callable[..., Path]


@pytest.fixture
def write_image(tmp_path: Path) -> Writer:
    """Write noise with a gradient, so that every pixel can be told from its neighbours."""

    def write(relative: str, height: int = 24, width: int = 128, seed: int = 0) -> Path:
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def write_label(tmp_path: Path) -> Writer:
    """Write random ids below ``classes``, or exactly the array given."""

    def write(
        relative: str,
        height: int = 24,
        width: int = 128,
        classes: int = 19,
        ids: np.ndarray | None = None,
        seed: int = 0,
    ) -> Path:
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        if ids is None:
            generator = np.random.default_rng(seed)
            ids = generator.integers(0, classes, (height, width), dtype=np.uint8)
        Image.fromarray(ids).save(path)
        return path

    return write


@pytest.fixture
def densepass_root(tmp_path: Path, write_image: Writer, write_label: Writer) -> Path:
    """4 unlabelled panoramas to train on, 5 labelled ones, as DensePASS lays them out."""
    for index in range(4):
        write_image(f"leftImg8bit/train/Oslo/{index}.png", seed=index)
    for index in range(5):
        write_image(f"leftImg8bit/val/cs/{index}_.png", seed=10 + index)
        write_label(f"gtFine/val/cs/{index}_labelTrainIds.png", seed=10 + index)
    return tmp_path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs; tests that need it are skipped where it is absent."""
    fallback = Path(__file__).parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("GOODSAM_REAL_DATA", fallback))
    if not path.is_dir():
        pytest.skip(f"real photographs are not at {path}: set GOODSAM_REAL_DATA")
    return path
