"""Masks as SA-1B has them, to JSON and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, WindowMasks
from goodsam_pl.masks.annotations import export_record, pack_saved
from goodsam_pl.masks.saved_mask import SavedMask, mask_from_annotation
from goodsam_pl.sam import Felzenszwalb

KEY = "0123456789abcdef" * 4
GRID = WindowGrid.cover((4, 8), (4, 4), (4, 4))
WHOLE = WindowGrid.cover((4, 8), (4, 8), (4, 8))


@pytest.fixture
def packed() -> list[WindowMasks]:
    """A large and a small mask that overlap in the first window, none in the second."""
    binary = torch.zeros((2, 4, 4), dtype=torch.bool)
    binary[0, 1:, :3] = True
    binary[1, 0, 1:] = True
    binary[1, 1, 1] = True
    first = WindowMasks.pack(binary, torch.tensor([0.75, 0.5]), torch.tensor([1.0, 0.25]))
    return [first, WindowMasks.none((4, 4))]


@pytest.fixture
def store(tmp_path: Path, packed: list[WindowMasks]) -> MaskStore:
    made = MaskStore.create(tmp_path / "masks", GRID, Felzenszwalb())
    made.write(KEY, "city/a.png", packed)
    return made


def refuse(size: tuple[int, int]) -> None:
    raise ValueError(f"no panorama has {size}")


def every_other(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(0, size[0], 2), np.arange(0, size[1], 2)


def saved(binary: np.ndarray, **changes: object) -> SavedMask:
    def sample(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return binary[np.ix_(rows, columns)]

    made = SavedMask((binary.shape[0], binary.shape[1]), sample, 0.5, 0.25, 0)
    return made._replace(**changes)


def test_an_export_says_what_was_looked_at(store: MaskStore) -> None:
    record = export_record(store, KEY)
    assert record["image"] == {"file_name": "city/a.png", "height": 4, "width": 8, "sha256": KEY}
    assert json.loads(json.dumps(record)) == record


def test_an_export_has_what_sams_generator_returns_for_each_mask(store: MaskStore) -> None:
    large, small = export_record(store, KEY)["annotations"]
    assert large["segmentation"]["size"] == [4, 4]
    assert isinstance(large["segmentation"]["counts"], str)
    del large["segmentation"]
    assert large == {
        "area": 9,
        "bbox": [0, 1, 2, 2],
        "predicted_iou": 0.75,
        "stability_score": 1.0,
        "crop_box": [0, 0, 4, 4],
        "window": 0,
    }
    assert (small["area"], small["bbox"], small["predicted_iou"]) == (4, [1, 0, 2, 1], 0.5)


def test_what_is_exported_can_be_packed_again(store: MaskStore, packed: list[WindowMasks]) -> None:
    annotated = export_record(store, KEY)["annotations"]
    masks = [mask_from_annotation(each, (4, 8)) for each in annotated]
    again = pack_saved(masks, GRID, refuse, every_other)
    assert len(again) == 2
    for before, after in zip(packed, again, strict=True):
        for name in ("layers", "predicted_iou", "stability", "boxes", "areas"):
            assert torch.equal(getattr(before, name), getattr(after, name)), name


def test_masks_of_whole_files_are_brought_to_the_size_of_the_panorama() -> None:
    fine = np.zeros((8, 16), dtype=bool)
    fine[4:, 6:10] = True
    asked: list[tuple[int, int]] = []
    (window,) = pack_saved([saved(fine, window=None)], WHOLE, asked.append, every_other)
    expected = np.zeros((4, 8), dtype=bool)
    expected[2:, 3:5] = True
    assert np.array_equal(window.binary().numpy(), expected[None])
    assert asked == [(8, 16)]


def test_a_mask_has_to_say_its_window_where_there_are_several() -> None:
    mask = np.ones((4, 4), dtype=bool)
    for window in (None, -1, 2):
        with pytest.raises(ValueError, match=f"a mask is of window {window}, the store has 2"):
            pack_saved([saved(mask, window=window)], GRID, refuse, every_other)


def test_masks_of_another_size_are_refused() -> None:
    mask = np.ones((4, 8), dtype=bool)
    with pytest.raises(ValueError, match="a mask has 8×4 pixels, a window 4×4"):
        pack_saved([saved(mask)], GRID, lambda size: None, every_other)
    with pytest.raises(ValueError, match=r"no panorama has \(5, 9\)"):
        pack_saved([saved(np.ones((5, 9), dtype=bool))], WHOLE, refuse, every_other)


def test_more_than_memory_is_for_is_refused_before_a_pixel_is_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def untouched(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        raise AssertionError

    mask = saved(np.ones((4, 4), dtype=bool), sample=untouched)
    costly = mask._replace(effort=6 * 10**9)
    with pytest.raises(ValueError, match=r"too many corners \(1.2e\+10 times pixels\)"):
        pack_saved([costly, costly], GRID, refuse, every_other)
    monkeypatch.setattr("goodsam_pl.masks.annotations._MOST_MASKS", 2)
    with pytest.raises(ValueError, match="3 masks in window 0, 2 are the most"):
        pack_saved([mask] * 3, GRID, refuse, every_other)


@pytest.mark.parametrize("kind", [TypeError, OverflowError, MemoryError])
def test_a_damaged_mask_is_named(kind: type[Exception]) -> None:
    def damaged(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        raise kind("broken")

    mask = np.ones((4, 4), dtype=bool)
    masks = [saved(mask), saved(mask, sample=damaged)]
    with pytest.raises(ValueError, match="mask 1 is damaged: broken"):
        pack_saved(masks, GRID, refuse, every_other)
