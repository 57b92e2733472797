"""The trusted pool: closed forms, symmetries, and a loop over masks in NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion import TrustedPool
from goodsam_pl.fusion.observables import border_contrast, border_pixels, crossing

NEUTRAL = TrustedPool(floor=0.0)
FULL = TrustedPool(
    odds=1.3,
    area=0.7,
    contrast=2.0,
    disagreement=1.2,
    crossing=1.5,
    set_contrast=1.1,
    nested=0.8,
    border=0.6,
    span=3,
    floor=0.02,
    prior=0.3,
    dependence=0.7,
)


def _panoramas(seed: int, count: int = 1) -> tuple[Tensor, Tensor]:
    """Softmax of broad regions, and masks that nest, overlap and cross the seam."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 3 * torch.randn(count, 5, 4, 8, generator=generator)
    softmax = torch.nn.functional.interpolate(coarse, (16, 32), mode="bilinear").softmax(1)
    layers = torch.full((count, 6, 16, 32), -1, dtype=torch.int16)
    rows, columns = torch.arange(16)[:, None], torch.arange(32)
    for panorama in range(count):
        found = []
        for _ in range(6):
            top, left, height, width = torch.rand(4, generator=generator).tolist()
            down = (rows >= 12 * top) & (rows < 12 * top + 2 + 10 * height)
            across = (columns - int(32 * left)) % 32 < 2 + 16 * width
            found.append(down & across)
        found.sort(key=lambda mask: -int(mask.sum()))
        for index, mask in enumerate(found):
            layers[panorama, index][mask] = index
    return softmax, layers


def _by_loop(softmax: np.ndarray, layers: Tensor, fusion: TrustedPool, circular: bool):
    """One panorama, one mask after the other."""
    shares = softmax.astype(np.float64).mean((1, 2))[:, None, None]
    softmax = softmax / shares**fusion.prior
    softmax /= softmax.sum(0)
    masks = [(layers == index).any(0).numpy() for index in range(int(layers.max()) + 1)]
    areas = [mask.sum() for mask in masks]
    label = torch.from_numpy(softmax.argmax(0))[None]
    contrast = border_contrast(label, layers[None], len(masks), fusion.span, circular=circular)[0]
    crossed = np.zeros(len(masks))
    for one, mine in enumerate(masks):
        for two, other in enumerate(masks):
            if one != two and areas[one] and areas[two]:
                shared = (mine & other).sum()
                crossed[one] += shared * (1 - shared / min(areas[one], areas[two])) / areas[one]
    smallest = np.full(softmax.shape[1:], -1)
    for index, mask in enumerate(masks):
        smallest[mask] = index
    wide = softmax.astype(np.float64)
    entropy = -(wide * np.log(wide)).sum(0)
    disagreement = np.zeros(len(masks))
    for index, mask in enumerate(masks):
        if areas[index]:
            mean = wide[:, mask].mean(1)
            disagreement[index] = -(mean * np.log(mean)).sum() - entropy[mask].mean()
    of_set = fusion.set_contrast * np.average(contrast.numpy(), weights=areas)
    total = np.zeros(softmax.shape[1:])
    logs = np.log(softmax.astype(np.float64))
    for index, mask in enumerate(masks):
        if not areas[index]:
            continue
        mean = softmax[:, mask].astype(np.float64).mean(1)
        opinion = np.log((1 - fusion.floor) * mean + fusion.floor / len(softmax))
        opinion -= fusion.prior * np.log(shares[:, 0, 0])
        own = torch.where(torch.from_numpy(mask), index, -1)[None, None]
        at_border = border_pixels(own, fusion.border_width, circular=circular)[0, 0].numpy()
        log_odds = (
            fusion.odds
            + fusion.area * np.log10(areas[index] / mask.shape[0] ** 2)
            + fusion.contrast * contrast[index].item()
            - fusion.disagreement * disagreement[index]
            + of_set
            - fusion.crossing * crossed[index]
            - fusion.nested * (smallest != index)
            - fusion.border * at_border
        )
        odds = np.exp(log_odds) * mask
        total += odds
        logs += odds * opinion[:, None, None]
    pooled = np.exp(logs / (1 + total) ** fusion.dependence)
    return pooled / pooled.sum(0)


@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_loop_over_masks(seed: int, circular: bool) -> None:
    softmax, layers = _panoramas(seed, count=2)
    fused = (FULL.around if circular else FULL)(softmax, layers)
    for panorama in range(2):
        expected = _by_loop(softmax[panorama].numpy(), layers[panorama], FULL, circular)
        np.testing.assert_allclose(fused.ensemble[panorama].numpy(), expected, atol=2e-5)
    confidence, label = fused.ensemble.max(1)
    assert torch.equal(fused.label.long(), label)
    assert torch.equal(fused.weight, (confidence >= 0.9).float())
    assert fused.label.dtype == torch.uint8


def test_without_trust_it_is_the_teacher_assistant_to_the_bit() -> None:
    softmax, layers = _panoramas(0)
    plain = replace(FULL, prior=0.0)
    distrusting = replace(plain, odds=-torch.inf)
    assert torch.equal(distrusting.around(softmax, layers).ensemble, softmax)
    assert torch.equal(plain.around(softmax, torch.full_like(layers, -1)).ensemble, softmax)


def test_a_mask_of_great_trust_has_one_opinion() -> None:
    softmax, _ = _panoramas(1)
    mask = torch.full((1, 1, 16, 32), -1)
    mask[..., 3:9, 5:20] = 0
    fused = replace(NEUTRAL, odds=20.0).around(softmax, mask)
    inside = fused.ensemble[0, :, 3:9, 5:20].flatten(1)
    mean = softmax[0, :, 3:9, 5:20].flatten(1).mean(1, keepdim=True)
    torch.testing.assert_close(inside, mean.expand_as(inside), atol=1e-4, rtol=0)
    assert fused.label[0, 3:9, 5:20].unique().tolist() == [int(mean.argmax())]
    assert torch.equal(fused.ensemble[0, :, 10:], softmax[0, :, 10:])


def test_even_odds_are_the_geometric_mean_of_both() -> None:
    softmax = torch.tensor([[0.9, 0.5], [0.1, 0.5]]).view(1, 2, 1, 2)
    mask = torch.zeros(1, 1, 1, 2, dtype=torch.int16)
    ensemble = NEUTRAL.around(softmax, mask).ensemble[0, :, 0]
    mean = torch.tensor([[0.7], [0.3]])
    expected = (softmax[0, :, 0] * mean).sqrt()
    torch.testing.assert_close(ensemble, expected / expected.sum(0))


def test_a_mask_across_the_seam_has_one_vote() -> None:
    softmax = torch.full((1, 2, 2, 12), 0.5)
    softmax[0, :, :, :2] = torch.tensor([0.9, 0.1])[:, None, None]
    softmax[0, :, :, 8:] = torch.tensor([0.2, 0.8])[:, None, None]
    mask = torch.full((1, 1, 2, 12), -1)
    mask[..., :2] = mask[..., 8:] = 0
    label = replace(NEUTRAL, odds=20.0).around(softmax, mask).label[0]
    # 8 pixels of 0.8 outvote 4 of 0.9 on the other side
    assert label[:, :2].unique().tolist() == [1]


def test_what_turns_turns_alike_to_the_bit() -> None:
    softmax, layers = _panoramas(2)
    fused = FULL.around(softmax, layers)
    turned = FULL.around(softmax.roll(7, -1), layers.roll(7, -1))
    assert torch.equal(turned.ensemble, fused.ensemble.roll(7, -1))
    mirrored = FULL.around(softmax.flip(-1), layers.flip(-1))
    assert torch.equal(mirrored.ensemble, fused.ensemble.flip(-1))


def test_neither_layers_nor_neighbours_in_a_batch_count() -> None:
    softmax, layers = _panoramas(3, count=3)
    fused = FULL.around(softmax, layers)
    alone = [FULL.around(softmax[each, None], layers[each, None]).ensemble for each in range(3)]
    assert torch.equal(fused.ensemble, torch.cat(alone))
    other = FULL.around(softmax, layers[:, [3, 0, 5, 1, 4, 2]])
    torch.testing.assert_close(other.ensemble, fused.ensemble, atol=1e-6, rtol=0)


def test_at_its_border_a_mask_says_less() -> None:
    softmax, _ = _panoramas(4)
    mask = torch.full((1, 1, 16, 32), -1)
    mask[..., 2:12, 6:24] = 0
    plain = replace(NEUTRAL, odds=3.0, border_width=2)
    soft = replace(plain, border=50.0)
    inner = soft.around(softmax, mask).ensemble[0]
    torch.testing.assert_close(
        inner[:, 4:10, 8:22], plain.around(softmax, mask).ensemble[0, :, 4:10, 8:22]
    )
    torch.testing.assert_close(inner[:, 2:4], softmax[0, :, 2:4])


def test_crossing_is_known_of_numbers_not_of_parts() -> None:
    numbers = torch.tensor([[1, 1, 0], [0, 2, 2]], dtype=torch.int32)
    found = crossing(numbers, torch.tensor([3, 1, 2]), 3)
    assert found.tolist() == pytest.approx([0, (2 / 3) / 4, (2 / 3) / 3])


def test_windows_have_leading_dimensions_and_no_seam() -> None:
    softmax, layers = _panoramas(5, count=6)
    fused = FULL(softmax.unflatten(0, (2, 3)), layers.unflatten(0, (2, 3)))
    assert torch.equal(fused.ensemble.flatten(0, 1), FULL(softmax, layers).ensemble)
    assert fused.label.shape == fused.weight.shape == (2, 3, 16, 32)


def test_no_gradient_runs_through() -> None:
    softmax, layers = _panoramas(6)
    assert not FULL.around(softmax.requires_grad_(), layers).ensemble.requires_grad


@pytest.mark.parametrize(
    ("softmax", "masks", "message"),
    [
        ((1, 2, 4, 4), (1, 1, 4, 5), "do not belong to probabilities"),
        ((2, 4, 4), (1, 4, 4), "do not belong to probabilities"),
        ((1, 2, 4, 4), (1, 0, 4, 4), "no layer of masks"),
    ],
)
def test_wrong_shapes_are_refused(softmax, masks, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FULL.around(torch.rand(softmax), torch.zeros(masks, dtype=torch.int16))


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"border_width": -1}, "border_width is -1"),
        ({"span": 0}, "span is 0"),
        ({"floor": 1.5}, "floor is 1.5"),
    ],
)
def test_constants_that_mean_nothing_are_refused(constants, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrustedPool(**constants)
