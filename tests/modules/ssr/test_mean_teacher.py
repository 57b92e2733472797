from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from goodsam_pl.modules.ssr.mean_teacher import ask_teacher, update_teacher, warmed_decay


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))


def test_the_decay_warms_up() -> None:
    assert [warmed_decay(step, 0.9) for step in (0, 1, 2, 8, 9, 10, 99)] == pytest.approx(
        [0, 1 / 2, 2 / 3, 8 / 9, 0.9, 0.9, 0.9]
    )


@pytest.mark.parametrize("statistics", ["own", "student"])
def test_weights_are_averaged_and_statistics_by_choice(statistics) -> None:
    teacher, student = _network(), _network()
    teacher[1].running_mean.fill_(3.0)
    teacher[1].num_batches_tracked.fill_(7)
    before = {name: value.clone().numpy() for name, value in teacher.state_dict().items()}
    other = {name: value.clone().numpy() for name, value in student.state_dict().items()}
    update_teacher(teacher, student, 0.75, statistics)

    averaged = {name for name, _ in teacher.named_parameters()}
    if statistics == "student":
        averaged |= {"1.running_mean", "1.running_var"}
    for name, value in teacher.state_dict().items():
        expected = 0.75 * before[name] + 0.25 * other[name] if name in averaged else before[name]
        if name == "1.num_batches_tracked" and statistics == "student":
            expected = other[name]
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-6, atol=1e-7)
    for name, value in student.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), other[name])


def test_own_statistics_are_the_batchs_and_learn_from_it() -> None:
    teacher = _network().train()
    images = torch.randn(5, 3, 4, 4)
    said = ask_teacher(teacher, images, "own")

    features = teacher[0](images).detach()
    mean, variance = features.mean((0, 2, 3)), features.var((0, 2, 3), unbiased=False)
    column = (slice(None), None, None)
    expected = (features - mean[column]) / (variance[column] + 1e-5).sqrt()
    torch.testing.assert_close(said, expected, rtol=1e-4, atol=1e-5)  # nothing is dropped
    torch.testing.assert_close(teacher[1].running_mean, 0.1 * mean)
    assert not said.requires_grad
    assert all(part.training for part in teacher.modules())


def test_the_students_statistics_are_the_running_ones_and_stay() -> None:
    teacher = _network().train()
    before = copy.deepcopy(teacher.state_dict())
    said = ask_teacher(teacher, torch.randn(2, 3, 4, 4).requires_grad_(), "student")

    assert not said.requires_grad
    assert all(value.equal(before[name]) for name, value in teacher.state_dict().items())


def test_the_teacher_sees_images_enlarged_and_answers_at_their_size() -> None:
    seen = []

    class Ramp(nn.Module):
        def forward(self, images):
            seen.append(images)
            return images.cumsum(-1)

    said = ask_teacher(Ramp(), torch.ones(2, 3, 4, 6), "student", scale=1.5)
    assert seen[0].shape == (2, 3, 6, 9)
    assert seen[0].equal(torch.ones(2, 3, 6, 9))
    # a ramp of 1 a column of 9, read in the middle of each of 6: (x + 1/2) · 3/2 + 1/2
    torch.testing.assert_close(said[0, 0, 0], torch.tensor([1.25, 2.75, 4.25, 5.75, 7.25, 8.75]))
    assert said.shape == (2, 3, 4, 6)
