"""Every term of both trainings, off its defaults, against sums over pixels in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.fusion import CTCF, refined_boundary
from goodsam_pl.geometry import CrossedWindows, WindowGrid, Windows, extract_families
from goodsam_pl.losses import boundary_loss
from goodsam_pl.modules import (
    JointDistillation,
    SourceSegmentation,
    StudentDistillation,
    TARectification,
    Teachers,
)
from goodsam_pl.taxonomy import Taxonomy, register_taxonomy

Floats = NDArray[np.float64]

HEIGHT, WIDTH, CLASSES = 8, 24, 3
GRID = WindowGrid.cover((HEIGHT, WIDTH), (8, 8), (8, 6))
CROSSED = CrossedWindows.cover((HEIGHT, WIDTH), (4, 12), (4, 12), (8, 6), (8, 6))
FUSION = CTCF(threshold=0.45, confidence=0.5)
# few enough classes for each to be named often, so that their weights are the closed form
register_taxonomy(
    Taxonomy("three", ("road", "sky", "car"), ((1, 0, 0), (0, 1, 0), (0, 0, 1))), "three"
)


def _network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    network = nn.Conv2d(3, CLASSES, 3, padding=1)
    with torch.no_grad():
        network.weight *= 3
    return network


def _panorama(windows: Windows = GRID) -> PanoramaBatch:
    generator = torch.Generator().manual_seed(0)
    layers = torch.randint(-1, 3, (1, 2, 4, 12), generator=generator).short()
    cut = extract_families(layers.repeat_interleave(2, 2).repeat_interleave(2, 3), windows)
    return PanoramaBatch(
        image=torch.randn(1, 3, HEIGHT, WIDTH, generator=generator),
        label=None,
        masks=cut,
        windows=windows,
        names=["a"],
    )


def _terms(
    module: TARectification | StudentDistillation | JointDistillation, batch: PanoramaBatch
) -> dict[str, float]:
    """What a training step logs of each term."""
    logged: dict[str, Tensor] = {}
    module.log = lambda *_, **__: None
    module.log_dict = lambda values, **_: logged.update(values)
    module.training_step(batch, 0)
    return {
        name.removeprefix("train/"): value.item()
        for name, value in logged.items()
        if "weighted" not in name
    }


class _Seen(NamedTuple):
    """What a teacher assistant and its fusion say of the windows of one family."""

    log_p: Floats  # (N, K, h, w)
    label: NDArray[np.int64]  # (N, h, w)
    trusted: Floats  # (N, h, w)


def _look(network: nn.Module, grid: WindowGrid, image: Tensor, masks: Tensor) -> _Seen:
    with torch.no_grad():
        log_p = network(grid.extract(image)[0]).log_softmax(1)
        fused = FUSION(log_p.exp()[None], masks)
    return _Seen(log_p.double().numpy(), fused.label[0].long().numpy(), fused.weight[0].numpy())


def _class_weights(labels: list[NDArray[np.int64]], exponent: float) -> Floats:
    counts = np.bincount(np.concatenate([each.ravel() for each in labels]), minlength=CLASSES)
    assert counts.min() > 0
    share = counts / counts.sum()
    return share**-exponent / (share * share**-exponent).sum()


def _cross_entropy(
    log_p: Floats, label: NDArray[np.int64], weights: Floats, pixel_weights: Floats | float = 1.0
) -> float:
    """The mean over pixels of ``(N, K, h, w)`` against ``(N, h, w)``."""
    nats = -np.take_along_axis(log_p, label[:, None], axis=1)[:, 0]
    return float((pixel_weights * weights[label] * nats).mean())


def _stitched(network: nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        probabilities = network(GRID.extract(image)[0]).softmax(1)[None]
    sums = torch.zeros(1, CLASSES, HEIGHT, WIDTH)
    for index, left in enumerate(GRID.columns):
        sums[..., torch.arange(left, left + 8) % WIDTH] += probabilities[:, index]
    return sums / torch.from_numpy(_coverage()).float()


def _coverage() -> NDArray[np.int64]:
    columns = np.concatenate([np.arange(left, left + 8) % WIDTH for left in GRID.columns])
    return np.tile(np.bincount(columns, minlength=WIDTH), (HEIGHT, 1))


TEACHERS = Teachers(fusion=FUSION, boundary_radius=1)
SETTINGS = {
    "taxonomy": "three",
    "teachers": TEACHERS,
    "confident_weight": 2.5,
    "class_balance": 0.5,
}
OVERLAPS = torch.from_numpy(_coverage() > 1)


def test_the_settings_of_these_tests_tell_differences() -> None:
    seen = _look(_network(0), GRID, _panorama().image, _panorama().masks[0])
    assert 0.1 < seen.trusted.mean() < 0.9
    assert 0 < OVERLAPS.float().mean() < 1
    assert (seen.log_p.argmax(1) != seen.label).mean() > 0.05


@pytest.mark.parametrize("confident", [0.0, 2.5])
@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("windows", [GRID, CROSSED], ids=["sliding", "crossed"])
def test_rectification_weighs_by_trust_and_by_all_labels_of_the_ensemble(
    windows: Windows, balance: float, confident: float
) -> None:
    network, batch = _network(0), _panorama(windows)
    version = "v1" if windows is GRID else "v2"
    settings = {
        **SETTINGS,
        "teachers": replace(TEACHERS, boundary=version),
        "confident_weight": confident,
        "class_balance": balance,
    }
    found = _terms(TARectification(network, **settings), batch)

    families = [
        _look(network, grid, batch.image, part)
        for grid, part in zip(windows.families, batch.masks, strict=True)
    ]
    weights = _class_weights([seen.label for seen in families], balance)
    each = [
        _cross_entropy(seen.log_p, seen.label, weights, 1 + confident * seen.trusted)
        for seen in families
    ]
    assert found["ensemble"] == pytest.approx(np.mean(each), rel=1e-5)


def _divergence(log_p: Floats, log_q: Floats) -> Floats:
    """½[KL(p ‖ q) + KL(q ‖ p)] of classes along the first axis."""
    return 0.5 * ((np.exp(log_p) - np.exp(log_q)) * (log_p - log_q)).sum(0)


def test_rectification_compares_windows_and_takes_boundaries_on_overlaps_alone() -> None:
    network, batch = _network(0), _panorama()
    found = _terms(TARectification(network, **SETTINGS), batch)

    seen = _look(network, GRID, batch.image, batch.masks[0])
    apart = [
        _divergence(seen.log_p[i, :, :, 6:], seen.log_p[(i + 1) % 4, :, :, :2]) for i in range(4)
    ]
    assert found["consistency"] == pytest.approx(np.mean(apart), rel=1e-5)

    labels = torch.from_numpy(seen.log_p.argmax(1))[None]
    boundary = refined_boundary(batch.masks, (labels,), GRID, radius=1)
    stitched = _stitched(network, batch.image)
    expected = boundary_loss(stitched, boundary, where=OVERLAPS)
    assert found["boundary"] == pytest.approx(expected.item(), rel=1e-5)
    assert expected.item() != pytest.approx(boundary_loss(stitched, boundary).item(), rel=1e-2)


@pytest.mark.parametrize("system", [StudentDistillation, JointDistillation])
def test_the_student_weighs_by_trust_and_by_labels_of_the_stitched_teacher(
    system: type[StudentDistillation | JointDistillation],
) -> None:
    student, teacher, batch = _network(1), _network(0), _panorama()
    found = _terms(system(student, teacher, **SETTINGS), batch)

    seen = _look(teacher, GRID, batch.image, batch.masks[0])
    whole = _stitched(teacher, batch.image).argmax(1).numpy()
    weights = _class_weights([whole], 0.5)
    trust = 1 + 2.5 * seen.trusted
    with torch.no_grad():
        own = student(batch.image).log_softmax(1)
    crops = np.stack([own[0, :, :, np.arange(c, c + 8) % WIDTH].numpy() for c in GRID.columns])
    assert found["whole"] == pytest.approx(_cross_entropy(own.numpy(), whole, weights), rel=1e-5)
    expected = _cross_entropy(crops, seen.label, weights, trust)
    assert found["ensemble"] == pytest.approx(expected, rel=1e-5)
    if system is JointDistillation:
        expected = _cross_entropy(seen.log_p, seen.label, weights, trust)
        assert found["teacher_ensemble"] == pytest.approx(expected, rel=1e-5)


def test_the_students_boundary_counts_on_overlaps_alone() -> None:
    student, teacher, batch = _network(1), _network(0), _panorama()
    found = _terms(StudentDistillation(student, teacher, **SETTINGS), batch)

    labels = torch.from_numpy(_look(teacher, GRID, batch.image, batch.masks[0]).log_p.argmax(1))
    boundary = refined_boundary(batch.masks, (labels[None],), GRID, radius=1)
    with torch.no_grad():
        own = student(batch.image).softmax(1)
    expected = boundary_loss(own, boundary, where=OVERLAPS).item()
    assert found["boundary"] == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(boundary_loss(own, boundary).item(), rel=1e-2)


def test_the_radius_of_the_configuration_is_that_of_b_ref() -> None:
    shares = []
    for radius in (0, 1, 3):
        settings = {**SETTINGS, "teachers": replace(TEACHERS, boundary_radius=radius)}
        module = StudentDistillation(_network(1), _network(0), **settings)
        batch = _panorama()
        labels = torch.from_numpy(
            _look(_network(0), GRID, batch.image, batch.masks[0]).log_p.argmax(1)
        )
        found = module.teach(batch).boundary
        assert torch.equal(found, refined_boundary(batch.masks, (labels[None],), GRID, radius))
        shares.append(found.float().mean().item())
    assert shares[0] < shares[1]


def test_weights_of_classes_follow_all_steps_so_far() -> None:
    network, first, second = _network(0), _panorama(), _panorama()
    second.image = first.image.flip(-1) + 0.5
    module = TARectification(network, **SETTINGS)
    _terms(module, first)
    found = _terms(module, second)
    seen = [_look(network, GRID, batch.image, batch.masks[0]) for batch in (first, second)]
    weights = _class_weights([each.label for each in seen], 0.5)
    expected = _cross_entropy(seen[1].log_p, seen[1].label, weights, 1 + 2.5 * seen[1].trusted)
    assert found["ensemble"] == pytest.approx(expected, rel=1e-5)


def test_void_pixels_of_the_source_neither_count_nor_teach() -> None:
    network = _network(0)
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, 4, 6, generator=generator)
    label = torch.randint(0, CLASSES, (2, 4, 6), generator=generator)
    label[0, :3] = 255
    module = SourceSegmentation(nn.Identity(), taxonomy="three")
    module.log_dict = lambda *_, **__: None
    logits = network(image).detach().requires_grad_()
    loss = module.training_step(SourceBatch(logits, label, ["a", "b"]), 0)
    loss.backward()

    labelled = label.numpy() != 255
    log_p = logits.detach().log_softmax(1).movedim(1, -1).numpy()[labelled]
    nats = -log_p[np.arange(len(log_p)), label.numpy()[labelled]]
    assert loss.item() == pytest.approx(nats.mean(), rel=1e-6)
    assert logits.grad.abs().sum(1)[label == 255].sum() == 0
    assert (logits.grad.abs().sum(1)[label != 255] > 0).all()
