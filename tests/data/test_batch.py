from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from goodsam_pl.data import (
    PanoramaBatch,
    PanoramaSample,
    SourceSample,
    collate_panoramas,
    collate_sources,
)
from goodsam_pl.geometry import WindowGrid

WINDOWS = WindowGrid.cover((4, 8), (4, 4), (4, 4))


def panorama(name: str, layers: int | None = None, labelled: bool = True) -> PanoramaSample:
    masks = None if layers is None else (torch.full((2, layers, 4, 4), 7, dtype=torch.int16),)
    label = torch.zeros(4, 8, dtype=torch.int64) if labelled else None
    return PanoramaSample(torch.zeros(3, 4, 8), label, masks, name)


def test_layers_are_padded_with_no_mask():
    batch = collate_panoramas([panorama("a", 1), panorama("b", 3)], WINDOWS)
    (masks,) = batch.masks
    assert masks.dtype == torch.int16
    assert masks.shape == (2, 2, 3, 4, 4)
    assert (masks[0, :, 0] == 7).all()
    assert (masks[0, :, 1:] == -1).all()
    assert (masks[1] == 7).all()
    assert batch.names == ["a", "b"]
    assert batch.windows == WINDOWS
    assert batch.label.shape == (2, 4, 8)


def test_masks_are_of_panoramas_where_all_are():
    samples = [replace(panorama("a", 1), whole_masks=True), panorama("b", 1)]
    assert not collate_panoramas(samples, WINDOWS).whole_masks
    assert collate_panoramas(samples[:1], WINDOWS).to(torch.float32).whole_masks


def test_labels_and_masks_may_be_absent_but_not_in_part():
    batch = collate_panoramas([panorama("a", labelled=False)], WINDOWS)
    assert batch.label is None
    assert batch.masks is None
    with pytest.raises(ValueError, match="b has no label"):
        collate_panoramas([panorama("a"), panorama("b", labelled=False)], WINDOWS)
    with pytest.raises(ValueError, match="a has no set of masks"):
        collate_panoramas([panorama("a"), panorama("b", 1)], WINDOWS)


def test_a_batch_moves_all_its_tensors():
    batch: PanoramaBatch = collate_panoramas([panorama("a", 1)], WINDOWS)
    moved = batch.to("meta")
    assert (
        moved.image.device.type == moved.label.device.type == moved.masks[0].device.type == "meta"
    )
    assert moved.windows is WINDOWS
    assert moved.names == ["a"]


def test_source_images_of_one_batch_have_one_size():
    def sample(name, width):
        return SourceSample(torch.zeros(3, 4, width), torch.zeros(4, width).long(), name)

    assert collate_sources([sample("a", 6), sample("b", 6)]).image.shape == (2, 3, 4, 6)
    with pytest.raises(ValueError, match=r"a is 4×6, b is 4×8.*set data.size"):
        collate_sources([sample("a", 6), sample("b", 8)])
