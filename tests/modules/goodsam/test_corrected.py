"""True labels take the teachers' place, and nothing else changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from tiny import GRID, TinyNetwork, panoramas

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.fusion import edges
from goodsam_pl.geometry import CrossedWindows, extract_families
from goodsam_pl.modules import StudentDistillation, Teachers

CROSSED = CrossedWindows.cover((16, 48), (8, 24), (8, 12), (16, 12), (16, 12))


def _module(**teachers: object) -> StudentDistillation:
    torch.manual_seed(0)
    return StudentDistillation(TinyNetwork(), TinyNetwork(), teachers=Teachers(**teachers)).eval()


def _labelled(void: bool = False) -> PanoramaBatch:
    """Panoramas with blocks of classes; a corner has none."""
    batch = panoramas()
    generator = torch.Generator().manual_seed(1)
    label = torch.randint(0, 19, (2, 4, 12), generator=generator)
    batch.label = label.repeat_interleave(4, 1).repeat_interleave(4, 2)
    if void:
        batch.label[:, :4, :8] = 255
    return batch


def test_hard_targets_are_the_labels_and_all_are_trusted() -> None:
    batch = _labelled()
    targets = _module().teach_corrected(batch)
    assert torch.equal(targets.whole.long(), batch.label)
    [windows] = extract_families(batch.label[:, None], GRID)
    assert torch.equal(targets.ensemble[0].long(), windows[:, :, 0])
    assert targets.trusted == 1


def test_where_nothing_is_known_the_teachers_word_stays() -> None:
    batch, module = _labelled(void=True), _module()
    found, usual = module.teach_corrected(batch), module.teach(batch)
    void = batch.label == 255
    assert torch.equal(found.whole[void], usual.whole[void])
    assert torch.equal(found.whole[~void].long(), batch.label[~void])
    [cut] = extract_families(void[:, None].long(), GRID)
    cut = cut[:, :, 0] > 0
    assert torch.equal(found.ensemble[0][cut], usual.ensemble[0][cut])
    assert torch.equal(found.weight[0][cut], usual.weight[0][cut])
    assert found.weight[0][~cut].all()
    assert not torch.equal(found.ensemble[0], usual.ensemble[0])


@pytest.mark.parametrize("targets", ["mixed", "soft"])
def test_soft_targets_are_certain_where_the_truth_is(targets: str) -> None:
    batch = _labelled()
    found = _module(targets=targets).teach_corrected(batch)
    assert found.whole.unique().tolist() == [0, 255]  # blocks of 4 pixels, as the stride
    assert torch.equal(found.whole.argmax(1), batch.label[:, ::4, ::4])
    if targets == "soft":
        assert found.ensemble[0].unique().tolist() == [0, 255]


@pytest.mark.parametrize(("windows", "version"), [(GRID, "v1"), (CROSSED, "v2")])
def test_boundaries_are_the_edges_of_the_labels(windows, version) -> None:
    batch = _labelled()
    batch.windows = windows
    masks = torch.zeros(2, 1, 16, 48, dtype=torch.int16)
    batch.masks = extract_families(masks, windows)
    batch.masks = tuple(each[:, :, None, 0] for each in batch.masks)
    found = _module(boundary=version).teach_corrected(batch).boundary
    # the panorama is a circle: its last column and its first are neighbours
    turned = edges(batch.label.roll(1, -1)).roll(-1, -1)
    assert torch.equal(found, edges(batch.label) | turned)


def test_labels_are_asked_for() -> None:
    batch = panoramas(labelled=False)
    with pytest.raises(ValueError, match="a, b: without labels nothing can be corrected"):
        _module().teach_corrected(batch)
