"""The fusion does what the paper's figure says, mask by mask."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion import cross_task_complementary_fusion, vote


def _fuse_by_loop(
    probabilities: Tensor,
    masks: list[Tensor],
    threshold: float,
    confidence: float,
    distinct_share: float = 0.0,
    instance_weight: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """One window, one mask after the other, large to small: the flow chart read aloud."""
    ensemble = probabilities.clone()
    confident = (probabilities.amax(0) >= confidence).float()
    weight = confident.clone()
    hard = probabilities.argmax(0)
    for mask in masks:
        winner = probabilities[:, mask].sum(1).argmax()
        share = (hard[mask] == winner).float().mean()
        ensemble[:, mask] = probabilities[:, mask]
        weight[mask] = 0
        if share >= threshold:
            ensemble[:, mask] *= 1 - instance_weight
            ensemble[winner, mask] += instance_weight
            weight[mask] = 1
        for label in range(len(probabilities)):
            own = mask & (hard == label)
            if own.sum() < distinct_share * mask.sum():
                ensemble[:, own] = probabilities[:, own]
                weight[own] = confident[own]
    return ensemble, weight


def _nested_masks(seed: int, count: int, size: int = 24) -> tuple[list[Tensor], Tensor]:
    """Random rectangles, largest first, and one layer for each."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    while len(found) < count:
        a, b = torch.randint(0, size, (2, 2), generator=generator).sort(0).values
        mask = torch.zeros(size, size, dtype=torch.bool)
        mask[a[0] : b[0] + 1, a[1] : b[1] + 1] = True
        found.append(mask)
    found.sort(key=lambda mask: -int(mask.sum()))
    layers = torch.stack([torch.where(mask, index, -1) for index, mask in enumerate(found)])
    return found, layers.to(torch.int16)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "parameters",
    [(0.0, 0.7), (0.4, 0.7), (0.6, 0.7), (1.0, 0.7), (0.4, 0.7, 0.15), (0.4, 0.7, 0.31, 0.3)],
)
def test_it_equals_the_loop_over_masks(seed: int, parameters: tuple[float, ...]) -> None:
    generator = torch.Generator().manual_seed(seed + 100)
    logits = 3 * torch.randn(2, 4, 3, 3, generator=generator)
    probabilities = torch.nn.functional.interpolate(logits, size=(24, 24)).softmax(1)
    listed, layers = zip(*(_nested_masks(10 * seed + k, 6) for k in range(2)), strict=True)
    fused = cross_task_complementary_fusion(probabilities, torch.stack(layers), *parameters)
    for index in range(2):
        ensemble, weight = _fuse_by_loop(probabilities[index], listed[index], *parameters)
        torch.testing.assert_close(fused.ensemble[index], ensemble)
        torch.testing.assert_close(fused.weight[index], weight)


def test_disjoint_masks_may_share_a_layer() -> None:
    probabilities = torch.rand(1, 3, 4, 4).softmax(1)
    left = torch.full((4, 4), -1)
    left[:, :2] = 0
    right = torch.full((4, 4), -1)
    right[:, 2:] = 1
    apart = torch.stack([left, right])[None]
    together = torch.maximum(left, right)[None, None]
    for one, other in zip(
        cross_task_complementary_fusion(probabilities, apart),
        cross_task_complementary_fusion(probabilities, together),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_vote_counts_shares_exactly() -> None:
    hard = torch.tensor([[0, 0, 0, 1], [0, 1, 1, 1]])
    probabilities = torch.nn.functional.one_hot(hard, 2).permute(2, 0, 1)[None].float()
    masks = torch.tensor([[[0, 0, 0, 0], [0, -1, 2, 2]]])[None]
    votes = vote(probabilities, masks)
    assert votes.label.tolist() == [[0, 0, 1]]
    assert votes.share.tolist() == [[pytest.approx(4 / 5), 0.0, 1.0]]


def test_softmax_mass_elects_where_counts_would_not() -> None:
    # two hesitant pixels say 0, one is certain of 1
    probabilities = torch.tensor([[0.51, 0.51, 0.0], [0.49, 0.49, 1.0]]).view(1, 2, 1, 3)
    fused = cross_task_complementary_fusion(
        probabilities, torch.zeros(1, 1, 1, 3, dtype=torch.int16), threshold=0.3
    )
    assert fused.ensemble.argmax(1).flatten().tolist() == [1, 1, 1]
    below = cross_task_complementary_fusion(
        probabilities, torch.zeros(1, 1, 1, 3, dtype=torch.int16), threshold=0.5
    )
    assert below.ensemble.argmax(1).flatten().tolist() == [0, 0, 1]
    assert below.weight.sum() == 0


def test_no_masks_leave_the_teacher_assistant_alone() -> None:
    probabilities = torch.tensor([[0.95, 0.6], [0.05, 0.4]]).view(1, 2, 1, 2)
    fused = cross_task_complementary_fusion(probabilities, torch.full((1, 1, 1, 2), -1))
    torch.testing.assert_close(fused.ensemble, probabilities)
    assert fused.weight.flatten().tolist() == [1.0, 0.0]


def test_leading_dimensions_are_kept_and_no_gradient_runs_through() -> None:
    probabilities = torch.rand(2, 3, 4, 5, 6).softmax(2).requires_grad_()
    masks = torch.randint(-1, 4, (2, 3, 2, 5, 6))
    fused = cross_task_complementary_fusion(probabilities, masks)
    assert fused.ensemble.shape == (2, 3, 4, 5, 6)
    assert fused.weight.shape == (2, 3, 5, 6)
    assert not fused.ensemble.requires_grad


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong to probabilities"):
        cross_task_complementary_fusion(torch.rand(1, 2, 4, 4), torch.zeros(1, 1, 4, 5))
