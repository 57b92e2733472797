"""Each loss and its gradient have the CPU's value on any device, to four digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.losses import (
    ClassBalance,
    FeatureAdaptation,
    StageError,
    affinity_loss,
    anchor_loss,
    boundary_loss,
    category_similarity,
    consistency,
    cross_entropy,
    dice_loss,
    ensemble_cross_entropy,
    feature_distance,
    feature_matching,
    focal_loss,
    knowledge_divergence,
    labelled_cross_entropy,
    mask_iou,
    pixel_similarity,
    point_mask_loss,
    sample_points,
    squared_difference,
    structural_similarity,
    symmetric_divergence,
    teacher_cross_entropy,
    thing_cells,
    thing_feature_distance,
    weighted_cross_entropy,
    whole_image_cross_entropy,
)

GRID = WindowGrid.cover((8, 24), (8, 8), (8, 6))
CLASSES = 5


class Given(NamedTuple):
    """What losses are asked about; ``free`` has the gradient that is looked at."""

    free: Tensor
    other: Tensor
    labels: Tensor
    cut: Tensor
    share: Tensor

    def to(self, device: torch.device) -> Given:
        moved = Given(*(each.detach().to(device) for each in self))
        return moved._replace(free=moved.free.requires_grad_())


def given() -> Given:
    generator = torch.Generator().manual_seed(0)
    free, other = torch.randn(2, 2, CLASSES, 8, 24, generator=generator)
    labels = torch.randint(0, CLASSES, (2, 8, 24), generator=generator)
    labels[:, :2] = 255
    cut = torch.randint(0, CLASSES, (2, GRID.count, 8, 8), generator=generator)
    return Given(free, other, labels, cut, torch.rand(2, 8, 24, generator=generator))


def _log(maps: Tensor) -> Tensor:
    return maps.log_softmax(1)


def _windows(maps: Tensor) -> Tensor:
    return GRID.extract(maps).log_softmax(2)


def _with_layers(make: Callable[[], torch.nn.Module], at: Tensor) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().to(at.device)


def _points(g: Given) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return sample_points(g.free[:, :1].detach(), 40, generator=generator)


def _balanced(g: Given) -> Tensor:
    balance = ClassBalance(CLASSES, 0.5).to(g.free.device)
    weights = balance(g.labels.where(g.labels != 255, 0))
    return cross_entropy(_log(g.free), g.labels.where(g.labels != 255, 0), weights).mean()


CASES: dict[str, Callable[[Given], Tensor]] = {
    "balanced": _balanced,
    "labelled": lambda g: labelled_cross_entropy(g.free, g.labels, 255),
    "weighted": lambda g: weighted_cross_entropy(g.free, g.labels, 255, g.share),
    "whole": lambda g: whole_image_cross_entropy(_log(g.free), g.other.softmax(1)),
    "ensemble": lambda g: ensemble_cross_entropy(
        (_windows(g.free),), (g.cut,), ((g.cut > 1).float(),)
    ),
    "consistency": lambda g: consistency((_windows(g.free),), GRID),
    "divergence": lambda g: symmetric_divergence(_log(g.free), _log(g.other)).mean(),
    "difference": lambda g: squared_difference(_log(g.free), _log(g.other)).mean(),
    "boundary": lambda g: boundary_loss(g.free.softmax(1), g.share > 0.7),
    "knowledge": lambda g: knowledge_divergence(g.free, g.other),
    "teacher": lambda g: teacher_cross_entropy(g.free, g.other),
    "stage": lambda g: _with_layers(lambda: StageError(CLASSES, CLASSES), g.free)(g.free, g.other),
    "pixels": lambda g: pixel_similarity([g.free, g.free[:, :3]], [g.other, g.other[:, :4]]),
    "categories": lambda g: category_similarity(g.free, g.other),
    "features": lambda g: feature_distance([g.free], [g.other]),
    "adaptation": lambda g: _with_layers(lambda: FeatureAdaptation([CLASSES], [CLASSES]), g.free)(
        [g.free], [g.other]
    ),
    "matching": lambda g: feature_matching(g.free, g.other),
    "structure": lambda g: structural_similarity(_log(g.free), g.labels),
    "things": lambda g: thing_feature_distance(
        g.free,
        g.other,
        thing_cells(
            g.labels.repeat_interleave(2, 1).repeat_interleave(2, 2), (8, 24), (1, 2), 0.6, 255
        ),
    ),
    "focal": lambda g: focal_loss(g.free[:, 0].flatten(1), g.share.flatten(1)).mean(),
    "dice": lambda g: dice_loss(g.free[:, 0].flatten(1), g.share.flatten(1)).mean(),
    "iou": lambda g: (
        mask_iou(g.free[:, 0].flatten(1), g.share.flatten(1)).mean() + 0 * g.free.sum()
    ),
    "points": lambda g: sum(
        each.mean() for each in point_mask_loss(g.free[:, :1], g.share[:, None], _points(g))
    ),
    "affinity": lambda g: affinity_loss(g.free, torch.stack([g.share, 1 - g.share], 1).flatten(2)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_loss_and_its_gradient_are_the_cpus(name: str, device: torch.device) -> None:
    values = []
    for at in (torch.device("cpu"), device):
        moved = given().to(at)
        loss = CASES[name](moved)
        loss.backward()
        assert loss.device.type == at.type
        values.append((loss.detach().cpu(), moved.free.grad.cpu()))
    (loss, gradient), (there, gradient_there) = values
    assert loss.isfinite()
    torch.testing.assert_close(there, loss, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient_there, gradient, rtol=1e-3, atol=1e-5)


def test_the_anchor_loss_draws_its_anchors_on_the_device(device: torch.device) -> None:
    moved = given().to(device)
    features = moved.free.flatten(2).transpose(1, 2)
    torch.manual_seed(0)
    loss = anchor_loss(features, moved.labels.flatten(1) % CLASSES, anchors=8)
    assert loss.isfinite()
    loss.backward()
    assert moved.free.grad.isfinite().all()
