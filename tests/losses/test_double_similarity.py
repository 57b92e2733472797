"""Double similarity distillation against plain numpy, and its invariances."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from goodsam_pl.losses import attention_maps, category_similarity, pixel_similarity

GENERATOR = torch.Generator().manual_seed(0)


def _layers(channels: tuple[int, ...], size: tuple[int, int] = (4, 6)) -> list[torch.Tensor]:
    return [torch.randn(2, c, *size, generator=GENERATOR, dtype=torch.float64) for c in channels]


def _norm(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _numpy_pixel_similarity(student, teacher, pairs, renormalise, cirkd):
    maps = [
        [_norm((layer.numpy() ** 2).sum(1).reshape(len(layer), -1)) for layer in layers]
        for layers in (student, teacher)
    ]
    terms = []
    for n, m in pairs:
        residuals = [own[m] - own[n] for own in maps]
        if renormalise:
            residuals = [_norm(residual) for residual in residuals]
        squares = (residuals[0] - residuals[1]) ** 2
        terms.append(squares.mean() if cirkd else squares.sum(1).mean())
    return np.mean(terms)


@pytest.mark.parametrize("variant", ["dsd", "cirkd"])
@pytest.mark.parametrize("renormalise", [True, False])
@pytest.mark.parametrize("pairs", ["adjacent", "all"])
def test_pixel_similarity_is_that_of_numpy(variant, renormalise, pairs) -> None:
    student, teacher = _layers((3, 4, 5)), _layers((7, 4, 9))
    chosen = list(combinations(range(3), 2)) if pairs == "all" else [(0, 1), (1, 2)]
    expected = _numpy_pixel_similarity(student, teacher, chosen, renormalise, variant == "cirkd")
    found = pixel_similarity(student, teacher, pairs, renormalise, variant)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def _numpy_category_similarity(student, teacher, temperature, cirkd):
    def correlation(logits: np.ndarray) -> np.ndarray:
        batch, classes, height, width = logits.shape
        if cirkd:
            logits = logits.reshape(batch, classes, height // 2, 2, width // 2, 2).mean((3, 5))
        flat = logits.reshape(batch, classes, -1) / temperature
        powers = np.exp(flat)
        maps = powers / powers.sum(2 if cirkd else 1, keepdims=True)
        maps = maps if cirkd else _norm(maps)
        return np.einsum("bkp,blp->bkl", maps, maps)

    return ((correlation(student) - correlation(teacher)) ** 2).mean()


@pytest.mark.parametrize("variant", ["dsd", "cirkd"])
def test_category_similarity_is_that_of_numpy(variant) -> None:
    student, teacher = _layers((5,))[0], _layers((5,))[0]
    expected = _numpy_category_similarity(student.numpy(), teacher.numpy(), 4.0, variant == "cirkd")
    found = category_similarity(student, teacher, 4.0, variant)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_equal_networks_are_equally_similar() -> None:
    layers, logits = _layers((3, 4, 5)), torch.randn(2, 5, 4, 6)
    assert pixel_similarity(layers, layers).item() == pytest.approx(0, abs=1e-12)
    assert category_similarity(logits, logits).item() == 0


def test_the_order_of_channels_and_the_scale_of_a_layer_do_not_matter() -> None:
    student, teacher = _layers((3, 4, 5)), _layers((3, 4, 5))
    changed = [3.0 * student[0].flip(1), student[1], 0.1 * student[2]]
    torch.testing.assert_close(
        pixel_similarity(changed, teacher), pixel_similarity(student, teacher)
    )


def test_wider_layers_of_the_same_energy_change_nothing() -> None:
    student, teacher = _layers((3, 4, 5)), _layers((3, 4, 5))
    doubled = [torch.cat([layer, layer], dim=1) for layer in teacher]
    torch.testing.assert_close(
        pixel_similarity(student, doubled), pixel_similarity(student, teacher)
    )


def test_layers_of_all_sizes_meet_on_the_second_ones_grid() -> None:
    features = [torch.randn(1, 2, 8 >> level, 16 >> level) for level in range(4)]
    maps = attention_maps(features, (4, 8))
    assert [each.shape for each in maps] == [(1, 32)] * 4
    for each in maps:
        assert each.norm().item() == pytest.approx(1, rel=1e-5)
    assert 0 < pixel_similarity(features, [torch.randn_like(layer) for layer in features]) <= 4


def test_classes_correlate_with_themselves_and_both_ways() -> None:
    # M has a unit diagonal and is symmetric: against M = I only pairs of classes count, twice
    logits = torch.randn(1, 3, 4, 4)
    apart = 400 * torch.eye(3).repeat_interleave(4, 1)[None, :, :, None].expand(1, 3, 12, 4)
    maps = (logits / 4).softmax(1).flatten(2)
    maps = maps / maps.norm(dim=2, keepdim=True)
    pairs = sum((maps[0, k] @ maps[0, j]) ** 2 for k, j in combinations(range(3), 2))
    assert category_similarity(logits, apart).item() == pytest.approx(
        2 * pairs.item() / 9, rel=1e-4
    )


def test_only_the_student_learns() -> None:
    student, teacher = _layers((3, 4)), _layers((3, 4))
    for layer in (*student, *teacher):
        layer.requires_grad_()
    (pixel_similarity(student, teacher) + category_similarity(student[0], teacher[0])).backward()
    assert all(layer.grad is not None for layer in student)
    assert all(layer.grad is None for layer in teacher)


def test_the_variant_of_cirkd_all_but_vanishes() -> None:
    student, teacher = (torch.randn(1, 19, 64, 64) for _ in range(2))
    assert category_similarity(student, teacher, variant="cirkd") < 1e-8
    assert category_similarity(student, teacher) > 1e-6
