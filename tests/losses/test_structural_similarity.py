"""The structural similarity loss against loops over pixels in NumPy, and where it is blind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from goodsam_pl.losses import structural_similarity

Floats = NDArray[np.float64]
C = 0.01


def _structure(image: Floats, known: NDArray[np.bool_]) -> Floats:
    """(p − μ + C) / (σ + C) of one map, window by window."""
    found = np.zeros_like(image)
    for row, column in zip(*np.nonzero(known), strict=True):
        weights, values = [], []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                place = row + down, column + right
                inside = all(0 <= at < size for at, size in zip(place, image.shape, strict=True))
                if inside and known[place]:
                    weights.append(np.exp(-(down**2 + right**2) / (2 * 1.5**2)))
                    values.append(image[place])
        mean = np.average(values, weights=weights)
        variance = np.average((np.array(values) - mean) ** 2, weights=weights)
        deviation = np.sqrt(max(variance, 1e-6))
        found[row, column] = (image[row, column] - mean + C) / (deviation + C)
    return found


def _in_numpy(log_p: Floats, labels: NDArray[np.int64], beta: float) -> float:
    gaps, nats = [], []
    for logs, label in zip(log_p, labels, strict=True):
        known = (label >= 0) & (label < len(logs))
        for index, log_map in enumerate(logs):
            own = (label == index).astype(float)
            p = np.exp(log_map)
            gap = np.abs(_structure(own, known) - _structure(p, known))
            gaps.append(gap[known])
            nats.append(-(own * np.log(p) + (1 - own) * np.log(1 - p))[known])
    gap, nat = np.concatenate(gaps), np.concatenate(nats)
    hard = gap > beta * gap.max()
    assert 0 < hard.sum() < len(hard)
    return float((gap * nat)[hard].sum() / hard.sum())


def _given(
    classes: int, seed: int = 0, sharpness: float = 2.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of two images in float64, and labels in blocks."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, classes, 6, 9, generator=generator, dtype=torch.float64) * sharpness
    labels = torch.randint(0, classes, (2, 2, 3), generator=generator)
    return logits, labels.repeat_interleave(3, 1).repeat_interleave(3, 2)


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("beta", [0.1, 0.4])
@pytest.mark.parametrize("classes", [13, 19])
def test_it_is_that_of_numpy(classes: int, beta: float, ignored: bool) -> None:
    logits, labels = _given(classes)
    if ignored:
        labels[0, 2:4, 3:] = 255
        labels[1, :, 0] = -1
    log_p = logits.log_softmax(1)
    expected = _in_numpy(log_p.numpy(), labels.numpy(), beta)
    found = structural_similarity(log_p, labels.to(torch.int16), hardness=beta)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_leading_dimensions_are_images_alike() -> None:
    logits, labels = _given(5)
    log_p = logits.log_softmax(1).expand(3, 2, 5, 6, 9)
    found = structural_similarity(log_p, labels.expand(3, 2, 6, 9))
    torch.testing.assert_close(found, structural_similarity(log_p[0], labels))


def test_what_a_pixel_without_label_is_said_to_be_changes_nothing() -> None:
    logits, labels = _given(5)
    labels[:, 2:4, 2:4] = 255
    other = logits.clone()
    other[:, :, 2:4, 2:4] = torch.randn(2, 5, 2, 2, dtype=torch.float64) * 9
    expected = structural_similarity(logits.log_softmax(1), labels)
    torch.testing.assert_close(structural_similarity(other.log_softmax(1), labels), expected)


def test_right_maps_cost_nothing_blurred_edges_little_and_displaced_ones_much() -> None:
    _, labels = _given(5)
    sharp = 40.0 * torch.nn.functional.one_hot(labels, 5).movedim(-1, 1).double()
    blurred = torch.nn.functional.avg_pool2d(sharp, 3, 1, 1, count_include_pad=False) / 8
    right, soft, wrong = (
        structural_similarity(each.log_softmax(1), labels).item()
        for each in (sharp, blurred, sharp.roll(1, dims=-1))
    )
    assert right < 1e-3
    assert 10 * right < soft < wrong / 10


def test_it_does_not_see_flat_maps_that_are_wrong() -> None:
    # why it stands beside a cross-entropy
    log_p = torch.tensor([2.0, 0.0, -1.0]).log_softmax(0)[:, None, None].expand(1, 3, 5, 7)
    assert structural_similarity(log_p, torch.full((1, 5, 7), 2)).item() < 1e-3


def test_only_the_edges_are_learned_by_a_constant_gap() -> None:
    logits, labels = _given(4)
    logits.requires_grad_()
    log_p = logits.log_softmax(1)
    structural_similarity(log_p, labels).backward()
    constant = logits.grad.clone()
    # as a constant weight: the gradient is linear in e, so that of Σ w BCE with w frozen
    with torch.no_grad():
        p, own = log_p.exp(), torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).bool()
        known = np.ones((6, 9), bool)
        gap = np.stack(
            [
                [
                    np.abs(
                        _structure(own[b, k].double().numpy(), known)
                        - _structure(p[b, k].numpy(), known)
                    )
                    for k in range(4)
                ]
                for b in range(2)
            ]
        )
    weight = torch.from_numpy(gap * (gap > 0.1 * gap.max()) / (gap > 0.1 * gap.max()).sum())
    again = logits.detach().clone().requires_grad_()
    p = again.softmax(1)
    torch.nn.functional.binary_cross_entropy(p, own.double(), weight, reduction="sum").backward()
    torch.testing.assert_close(constant, again.grad, rtol=1e-3, atol=1e-6)

    logits.grad = None
    structural_similarity(logits.log_softmax(1), labels, constant_gap=False).backward()
    assert torch.isfinite(logits.grad).all()
    assert not torch.allclose(logits.grad, constant, rtol=1e-2)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_extreme_values_give_numbers(dtype: torch.dtype, constant: bool) -> None:
    logits, labels = _given(19)
    labels[0, :2] = 255
    extreme = (logits * 1e9).clamp(-6e4, 6e4).to(dtype).requires_grad_()
    loss = structural_similarity(extreme.log_softmax(1), labels, constant_gap=constant)
    loss.backward()
    assert loss.dtype == torch.float32
    assert 0 <= loss.item() < 1e3
    assert torch.isfinite(extreme.grad).all()


def test_without_a_label_there_is_neither_loss_nor_gradient() -> None:
    logits, labels = _given(5)
    logits.requires_grad_()
    loss = structural_similarity(logits.log_softmax(1), torch.full_like(labels, 255))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
