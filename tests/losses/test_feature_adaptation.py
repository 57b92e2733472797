"""Features point where the teacher's do."""

from __future__ import annotations

import torch
from torch import nn

from goodsam_pl.losses import FeatureAdaptation, feature_distance


def test_directions_count_lengths_do_not() -> None:
    stages = [torch.randn(2, 3, 4, 4), torch.randn(2, 5, 2, 2)]
    scaled = [2.5 * stage for stage in stages]
    assert feature_distance(stages, scaled).abs() < 1e-6
    torch.testing.assert_close(
        feature_distance(stages, [-stage for stage in stages]), torch.tensor(2.0)
    )


def test_it_is_half_the_square_between_normalised_features() -> None:
    own, other = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    apart = nn.functional.normalize(own, dim=1) - nn.functional.normalize(other, dim=1)
    expected = apart.square().sum(1).mean() / 2
    torch.testing.assert_close(feature_distance([own], [other]), expected)


def test_only_differing_widths_are_projected_and_only_the_student_learns() -> None:
    adaptation = FeatureAdaptation((3, 4), (3, 6))
    assert [type(layer) for layer in adaptation.projections] == [nn.Identity, nn.Conv2d]
    student = [torch.randn(1, 3, 4, 8, requires_grad=True), torch.randn(1, 4, 2, 4)]
    teacher = [torch.randn(1, 3, 2, 4, requires_grad=True), torch.randn(1, 6, 2, 4)]
    adaptation(student, teacher).backward()
    assert student[0].grad is not None
    assert adaptation.projections[1].weight.grad is not None
    assert teacher[0].grad is None
