"""DAKD's terms against sums in NumPy; only the student learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from goodsam_pl.losses import StageError, knowledge_divergence, teacher_cross_entropy


def _logits(classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(classes)
    student, teacher = torch.randn(2, 2, classes, 4, 6, generator=generator, dtype=torch.float64)
    return student, 3 * teacher


def _softmax(logits: torch.Tensor) -> np.ndarray:
    powers = np.exp(logits.numpy())
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("classes", [13, 19])
@pytest.mark.parametrize("divergence_from", ["teacher", "student"])
def test_the_divergence_is_that_of_numpy_from_either_side(divergence_from, classes) -> None:
    student, teacher = _logits(classes)
    p, q = _softmax(student), _softmax(teacher)
    first, second = (q, p) if divergence_from == "teacher" else (p, q)
    expected = (first * np.log(first / second)).sum(1).mean()
    found = knowledge_divergence(student, teacher, divergence_from)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_it_is_torchs_with_logarithms_on_both_sides_and_a_sum_over_classes() -> None:
    student, teacher = _logits()
    both = student.log_softmax(1).float(), teacher.log_softmax(1).float()
    expected = nn.functional.kl_div(*both, reduction="none", log_target=True).sum(1).mean()
    torch.testing.assert_close(knowledge_divergence(student, teacher), expected)


def test_the_teacher_is_the_default_and_the_sides_differ() -> None:
    student, teacher = _logits()
    forward, reverse = (
        knowledge_divergence(student, teacher, side).item() for side in ("teacher", "student")
    )
    assert knowledge_divergence(student, teacher).item() == forward
    assert forward != pytest.approx(reverse, rel=0.05)
    assert knowledge_divergence(student, student).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("classes", [13, 19])
def test_the_teachers_labels_are_taken_as_they_are(classes: int) -> None:
    student, teacher = _logits(classes)
    p, labels = _softmax(student), teacher.numpy().argmax(1)
    expected = -np.log(np.take_along_axis(p, labels[:, None], 1)).mean()
    assert teacher_cross_entropy(student, teacher).item() == pytest.approx(expected, rel=1e-5)


def test_a_stage_is_compared_value_by_value() -> None:
    student, teacher = _logits()
    error = StageError(5, 5)
    assert isinstance(error.projection, nn.Identity)
    expected = ((student - teacher).numpy() ** 2).mean()
    assert error(student, teacher).item() == pytest.approx(expected, rel=1e-5)


def test_a_narrower_student_is_projected_and_a_coarser_teacher_enlarged() -> None:
    error = StageError(3, 4)
    student, teacher = torch.randn(1, 3, 4, 8), torch.randn(1, 4, 1, 1)
    projected = torch.einsum("oi,bihw->bohw", error.projection.weight[..., 0, 0], student)
    projected = projected + error.projection.bias[:, None, None]
    expected = (projected - teacher.expand_as(projected)).square().mean()
    torch.testing.assert_close(error(student, teacher), expected)


def test_only_the_student_and_its_projection_learn() -> None:
    student, teacher = (each.float().requires_grad_() for each in _logits())
    error = StageError(5, 7)
    stage = torch.randn(2, 7, 4, 6, requires_grad=True)
    for side in ("teacher", "student"):
        terms = (
            knowledge_divergence(student, teacher, side),
            teacher_cross_entropy(student, teacher),
        )
        (sum(terms) + error(student, stage)).backward()
    assert student.grad.abs().sum() > 0
    assert error.projection.weight.grad.abs().sum() > 0
    assert teacher.grad is None
    assert stage.grad is None


@pytest.mark.parametrize("divergence_from", ["teacher", "student"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_extreme_values_in_half_precision_give_numbers(dtype, divergence_from) -> None:
    student, teacher = ((each * 1e9).clamp(-3e4, 3e4).to(dtype) for each in _logits(19))
    student.requires_grad_()
    divergence = knowledge_divergence(student, teacher, divergence_from)
    loss = divergence + teacher_cross_entropy(student, teacher)
    loss = loss + StageError(19, 19)(student, teacher)
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(student.grad).all()
