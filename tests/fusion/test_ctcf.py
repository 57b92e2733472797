"""CTCF is the flow chart of the paper's figure, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.fusion import CTCF, cross_task_complementary_fusion
from goodsam_pl.fusion.votes import UNIT, Ballot


def _by_loop(softmax, masks, fusion: CTCF):
    """One window, one mask after the other, from large to small."""
    own, best = softmax.argmax(0), softmax.max(0)
    sure = best >= np.float32(fusion.confidence)
    label, filled, weight = own.copy(), np.zeros(own.shape, bool), sure.copy()
    given = np.rint(softmax * np.float32(UNIT)).astype(np.int64)
    for mask in masks:
        inside = own[mask]
        counts = [int((inside == each).sum()) for each in range(len(softmax))]
        votes = {
            "count": counts,
            "confidence": [int(given[each][mask & (own == each)].sum()) for each in range(5)],
            "softmax": [int(plane[mask].sum()) for plane in given],
        }[fusion.votes]
        winner = int(np.argmax(votes))
        accepted = counts[winner] / len(inside) >= fusion.threshold
        label[mask], filled[mask], weight[mask] = inside, False, False
        distinct = [count / len(inside) < fusion.distinct_share for count in counts]
        apart = mask & np.array(distinct)[own]
        if accepted:
            label[mask & ~apart], filled[mask & ~apart], weight[mask & ~apart] = winner, True, True
        weight[apart] = sure[apart]
    return label, filled, weight


@pytest.mark.parametrize("votes", ["count", "confidence", "softmax"])
@pytest.mark.parametrize("constants", [(0.0, 0.6), (0.5, 0.6), (1.0, 0.6), (0.5, 0.6, 0.2)])
def test_it_is_the_loop_over_masks_to_the_bit(scene, votes: Ballot, constants) -> None:
    fusion = CTCF(*constants, votes=votes)
    fused = fusion(scene.probabilities, scene.layers)
    for place in np.ndindex(2, 3):
        softmax = scene.probabilities[place].numpy()
        expected = _by_loop(softmax, scene.listed[place[0]][place[1]], fusion)
        found = fused.winner[place], fused.filled[place], fused.weight[place]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.numpy(), other)


@pytest.mark.parametrize("softened", [(0.0, 1.0), (0.2, 1.0), (0.2, 0.4)])
def test_votes_by_softmax_give_what_the_dense_form_gives(scene, softened) -> None:
    dense = cross_task_complementary_fusion(scene.probabilities, scene.layers, 0.5, 0.6, *softened)
    fused = CTCF(0.5, 0.6, *softened, votes="softmax")(scene.probabilities, scene.layers)
    assert torch.equal(fused.ensemble, dense.ensemble)
    assert torch.equal(fused.weight, dense.weight)
    assert torch.equal(fused.label.long(), dense.ensemble.argmax(dim=2))


def test_weighted_votes_elect_where_counts_would_not() -> None:
    # two hesitant pixels say 0, one is certain of 1
    softmax = torch.tensor([[0.51, 0.51, 0.0], [0.49, 0.49, 1.0]]).view(1, 2, 1, 3)
    masks = torch.zeros(1, 1, 1, 3, dtype=torch.int16)
    winners = {
        votes: CTCF(0.3, votes=votes)(softmax, masks).label.flatten().tolist()
        for votes in ("count", "confidence", "softmax")
    }
    assert winners == {"count": [0, 0, 0], "confidence": [0, 0, 0], "softmax": [1, 1, 1]}


def test_where_no_mask_is_the_teacher_assistant_is_left_alone() -> None:
    softmax = torch.tensor([[0.95, 0.6], [0.05, 0.4]]).view(1, 2, 1, 2)
    fused = CTCF()(softmax, torch.full((1, 1, 1, 2), -1))
    assert torch.equal(fused.ensemble, softmax)
    assert fused.weight.flatten().tolist() == [1.0, 0.0]
    assert not fused.filled.any()


def test_ties_go_to_the_lower_class() -> None:
    softmax = torch.full((1, 3, 1, 2), 1 / 3)
    softmax[0, :, 0, 1] = torch.tensor([0.1, 0.45, 0.45])
    fused = CTCF(0.5)(softmax, torch.tensor([[[[0, 1]]]]))
    assert fused.label.flatten().tolist() == [0, 1]
    assert CTCF(0.5)(softmax, torch.zeros(1, 1, 1, 2)).label.flatten().tolist() == [0, 0]


def test_no_gradient_runs_through() -> None:
    softmax = torch.rand(2, 3, 4, 5, 6).softmax(2).requires_grad_()
    assert not CTCF()(softmax, torch.zeros(2, 3, 1, 5, 6)).ensemble.requires_grad


@pytest.mark.parametrize(
    ("softmax", "masks", "message"),
    [
        ((1, 2, 4, 4), (1, 1, 4, 5), "do not belong to probabilities"),
        ((2, 4, 4), (1, 4, 4), "do not belong to probabilities"),
        ((1, 256, 2, 2), (1, 1, 2, 2), "256 classes: labels are bytes"),
    ],
)
def test_wrong_shapes_are_refused(softmax, masks, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CTCF()(torch.rand(softmax), torch.zeros(masks))
