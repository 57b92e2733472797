"""A street to look at, and proposers that cost nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.networks.small_sam import SmallSam, SmallSamSize
from goodsam_pl.sam import WindowMasks
from goodsam_pl.sam.proposer import Description, fingerprint_of
from goodsam_pl.streetworld import SPLITS, View, make_city, view


class BrightnessProposer:
    """Everything brighter than each of some levels is a mask."""

    def __init__(self, levels: tuple[int, ...] = (60, 120, 180)) -> None:
        self.levels = levels
        self.windows_seen = 0

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.describe())

    def describe(self) -> Description:
        return {"proposer": "brightness", "levels": " ".join(map(str, self.levels))}

    def to(self, device: torch.device | str) -> BrightnessProposer:
        return self

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        self.windows_seen += len(windows)
        found = []
        for window in windows:
            grey = window.float().mean(dim=0)
            binary = torch.stack([grey > level for level in self.levels])
            binary = binary[binary.flatten(1).any(dim=1)]
            scores = torch.linspace(0.5, 1.0, len(binary))
            found.append(WindowMasks.pack(binary, scores, scores.flip(0)))
        return found


@pytest.fixture
def brightness() -> type[BrightnessProposer]:
    return BrightnessProposer


@pytest.fixture(scope="session")
def street() -> View:
    """A held-out panorama of the target city, 192×1024."""
    return view(SPLITS["sam_test"][3], make_city("target"), "equirectangular")


@pytest.fixture(scope="session")
def street_image(street: View) -> Tensor:
    """The same as ``(3, 192, 1024)`` uint8."""
    return torch.from_numpy(street.image.copy()).permute(2, 0, 1).contiguous()


@pytest.fixture(scope="session")
def tiny_sam() -> torch.nn.Module:
    """A SAM of a few thousand random weights for 64×64 images."""
    torch.manual_seed(0)
    return SmallSam(
        SmallSamSize(
            image_size=64,
            width=32,
            depth=2,
            heads=2,
            window_size=4,
            global_blocks=(1,),
            embedding=32,
        )
    )


@pytest.fixture
def grid() -> WindowGrid:
    """Four windows of 16×16 on a panorama of 16×48; the last one crosses the seam."""
    return WindowGrid.cover((16, 48), (16, 16), (16, 12))


@pytest.fixture
def panoramas(tmp_path: Path) -> list[Path]:
    """Five image files; what is in them is told by their seed."""
    paths = [tmp_path / "images" / f"{index}.bin" for index in range(5)]
    paths[0].parent.mkdir()
    for index, path in enumerate(paths):
        path.write_bytes(bytes([index]))
    return paths


def read_panorama(path: Path) -> Tensor:
    """A smooth random picture of 16×48 that depends on the file's content."""
    generator = torch.Generator().manual_seed(path.read_bytes()[0])
    coarse = torch.rand(1, 3, 4, 12, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(16, 48), mode="bilinear")[0]
    return (smooth * 255).to(torch.uint8)


@pytest.fixture
def reader():
    return read_panorama
