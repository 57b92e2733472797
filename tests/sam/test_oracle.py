"""The oracle works wherever proposers do, and knows its own panoramas alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from small_export import SIZE, blocks, write_export

from goodsam_pl.files import fingerprint_of
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskProposer
from goodsam_pl.masks.instance_quality import QualityTally, masks_in_windows
from goodsam_pl.sam import StreetWorldOracle
from goodsam_pl.sam.panorama_generator import for_mode

GRID = WindowGrid.cover(SIZE, (24, 24), (24, 16))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return write_export(tmp_path)


def _read(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)


def test_exact_masks_are_the_instances_in_every_mode(tmp_path: Path, paths: list[Path]) -> None:
    for mode in ("window", "panorama", "quick"):
        proposer, windows = for_mode(mode, StreetWorldOracle(str(tmp_path)), GRID)
        assert windows == (GRID if mode == "window" else WindowGrid.whole(SIZE))
        tally = QualityTally()
        for index, path in enumerate(paths):
            found = proposer.propose(windows.extract(_read(path)[None])[0])
            instances = GRID.extract(torch.from_numpy(blocks(index))[None])[0]
            for masks, own in zip(masks_in_windows(found, GRID), instances, strict=True):
                tally.add(masks, own)
                assert len(masks) == len(own.unique())
        quality = tally.score()
        assert quality.of_size(64)[2:5] == (1, 1, 1)
        assert quality.covered == 1


def test_windows_show_parts_of_the_masks_of_the_panorama(tmp_path: Path, paths: list[Path]) -> None:
    oracle = StreetWorldOracle(str(tmp_path), quality=0.6, minimum_area=1)
    panorama = _read(paths[1])[None]
    whole = oracle.propose(panorama)
    in_windows = oracle.propose(GRID.extract(panorama)[0])
    for masks, expected in zip(in_windows, masks_in_windows(whole, GRID), strict=True):
        order = expected.flatten(1).sum(dim=1).argsort(descending=True, stable=True)
        assert torch.equal(masks.binary(), expected[order])
        assert {*masks.predicted_iou.tolist()} <= {*whole[0].predicted_iou.tolist()}
        assert masks.logits is None


def test_masks_do_not_depend_on_what_was_asked_before(tmp_path: Path, paths: list[Path]) -> None:
    panoramas = [_read(path)[None] for path in paths]
    one, other = (StreetWorldOracle(str(tmp_path), quality=0.4, minimum_area=4) for _ in range(2))
    forwards = [one.propose(each)[0] for each in panoramas]
    backwards = [other.propose(each)[0] for each in panoramas[::-1]][::-1]
    for masks, same in zip(forwards, backwards, strict=True):
        assert torch.equal(masks.layers, same.layers)
        assert torch.equal(masks.predicted_iou, same.predicted_iou)
        assert torch.equal(masks.stability, same.stability)
    another = StreetWorldOracle(str(tmp_path), quality=0.4, minimum_area=4, seed=1)
    assert not torch.equal(another.propose(panoramas[0])[0].areas, forwards[0].areas)


def test_a_window_without_masks_has_none(tmp_path: Path, paths: list[Path]) -> None:
    found = StreetWorldOracle(str(tmp_path), missed=1.0).propose(_read(paths[0])[None])[0]
    assert len(found) == 0
    assert found.size == SIZE


def test_it_is_a_proposer_found_again_by_its_dial(tmp_path: Path) -> None:
    oracles = [
        StreetWorldOracle("a"),
        StreetWorldOracle("a", missed=0.1),
        StreetWorldOracle("a", quality=0.5),
        StreetWorldOracle("a", score_noise=0.0),
        StreetWorldOracle("a", seed=1),
    ]
    assert all(isinstance(oracle, MaskProposer) for oracle in oracles)
    assert len({fingerprint_of(oracle.describe()) for oracle in oracles}) == 5
    assert StreetWorldOracle("b", missed=0).describe() == oracles[0].describe()
    assert "a" not in oracles[0].describe().values()


def test_impossible_wishes_are_refused() -> None:
    with pytest.raises(ValueError, match="quality is 2"):
        StreetWorldOracle("a", quality=2)
    with pytest.raises(ValueError, match="score_noise is -1"):
        StreetWorldOracle("a", score_noise=-1)
    with pytest.raises(ValueError, match="seed is -1"):
        StreetWorldOracle("a", seed=-1)
