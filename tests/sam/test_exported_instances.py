"""Which panorama a window was cut from, and where."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from small_export import SIZE, blocks, write_export

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam.exported_instances import ExportedInstances


def _read(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)


@pytest.mark.parametrize("window", [(24, 24), (16, 20), (24, 128)])
def test_every_window_of_every_panorama_is_found(tmp_path: Path, window: tuple[int, int]) -> None:
    paths = write_export(tmp_path)
    known = ExportedInstances(tmp_path)
    grid = WindowGrid.cover(SIZE, window, (min(8, window[0]), min(20, window[1])))
    for number in (1, 0, 2, 2):
        for index, cut in enumerate(grid.extract(_read(paths[number])[None])[0]):
            panorama, top, left = known.find(cut)
            assert panorama.path == tmp_path / "instances/val" / paths[number].name
            assert (top, left) == grid.corner(index)
            assert np.array_equal(panorama.instances, blocks(number))


def test_flat_panoramas_are_told_apart_by_one_pixel(tmp_path: Path) -> None:
    paths = write_export(tmp_path, 2)
    for path, odd in zip(paths, (5, 6), strict=True):
        picture = np.zeros((*SIZE, 3), dtype=np.uint8)
        picture[odd, 3] = 255
        Image.fromarray(picture).save(path)
    known = ExportedInstances(tmp_path)
    for path in paths:
        assert known.find(_read(path)).panorama.path.name == path.name


def test_a_window_of_no_panorama_is_one_clear_error(tmp_path: Path) -> None:
    paths = write_export(tmp_path)
    known = ExportedInstances(tmp_path)
    changed = _read(paths[0])
    changed[0, 11, 64] ^= 1
    larger = _read(paths[0]).repeat(1, 2, 2)
    for window in (changed, larger, _read(paths[0])[:, :, :24].flip(2)):
        with pytest.raises(ValueError, match=r"none of the 3 panoramas with instances in .* shows"):
            known.find(window)
    assert known.find(_read(paths[2])).panorama.path.name == paths[2].name


def test_an_export_without_instances_says_how_to_draw_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"goodsam streetworld --out .* --instances true"):
        ExportedInstances(tmp_path).find(torch.zeros((3, 4, 4), dtype=torch.uint8))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = write_export(tmp_path, 1)[0]
    window = _read(path)
    own = tmp_path / "instances/val" / path.name
    whole = own.read_bytes()
    own.write_bytes(whole[:60])
    with pytest.raises(ValueError, match=rf"{own} cannot be read .*: delete it"):
        ExportedInstances(tmp_path).find(window)
    Image.fromarray(np.zeros(SIZE, dtype=np.uint8)).save(own)
    with pytest.raises(ValueError, match=f"{own} is not of 16 bits"):
        ExportedInstances(tmp_path).find(window)
    own.write_bytes(whole)
    path.unlink()
    with pytest.raises(ValueError, match=f"{path} cannot be read"):
        ExportedInstances(tmp_path).find(window)
