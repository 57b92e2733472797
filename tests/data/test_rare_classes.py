from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.data import SourceDataModule, rare_class_probabilities, rare_class_weights
from goodsam_pl.data.rare_classes import RareClassSampler


def test_probabilities_are_those_of_numpy() -> None:
    pixels = np.array([700, 200, 95, 5, 0])
    found = rare_class_probabilities(torch.from_numpy(pixels), 0.1).numpy()

    weights = np.exp((1 - pixels / 1000) / 0.1) * (pixels > 0)
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=1e-12)
    assert found[3] > found[2] > found[1] > found[0] > found[4] == 0


def test_a_low_temperature_does_not_overflow_and_a_high_one_treats_all_alike() -> None:
    pixels = torch.tensor([10_000_000, 1])
    assert rare_class_probabilities(pixels, 1e-4).tolist() == [0, 1]
    assert rare_class_probabilities(pixels, 1e6).tolist() == pytest.approx([0.5, 0.5], abs=1e-5)


def test_images_are_weighed_as_classes_and_then_images_are_drawn() -> None:
    pixels = np.array([[900, 50, 2], [800, 0, 0], [850, 60, 0], [0, 0, 1]])
    found = rare_class_weights(torch.from_numpy(pixels), 0.5, 50).numpy()

    total = pixels.sum(0)
    share = np.exp((1 - total / total.sum()) / 0.5)
    share[2] = 0  # no image has enough of it
    share /= share.sum()
    rng = np.random.default_rng(0)
    drawn = np.zeros(4)
    for class_id in rng.choice(3, 20000, p=share):
        drawn[rng.choice(np.flatnonzero(pixels[:, class_id] >= 50))] += 1
    np.testing.assert_allclose(found, drawn / 20000, atol=0.015)
    assert found.sum() == pytest.approx(1)
    assert found[3] == 0


@pytest.mark.parametrize("pixels", [torch.zeros(2, 19), torch.full((2, 19), 5)])
def test_a_source_without_enough_labels_is_refused(pixels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"lower data\.rare_class_pixels"):
        rare_class_weights(pixels, 0.01, 6)


def test_the_sampler_draws_by_weight_and_processes_share_one_order() -> None:
    samples, weights = [*range(1000)], torch.zeros(1000, dtype=torch.float64)
    weights[3], weights[7] = 0.8, 0.2
    whole = [*RareClassSampler(samples, weights, 1, 0)]
    assert whole.count(3) + whole.count(7) == 1000
    assert whole.count(3) / 1000 == pytest.approx(0.8, abs=0.05)
    shares = [[*RareClassSampler(samples, weights, 2, rank)] for rank in (0, 1)]
    assert [each for pair in zip(*shares, strict=True) for each in pair] == whole
    later = RareClassSampler(samples, weights, 1, 0)
    later.set_epoch(1)
    assert [*later] != whole
    later.set_epoch(0)
    later.seen = 4
    assert [*later] == whole
    assert [type(each).__name__ for each in [*later][3:5]] == ["Seen", "int"]


def _photographs(root, **settings) -> SourceDataModule:
    for index, sky in enumerate((0, 40, 0)):
        label = np.zeros((8, 16), np.uint8)
        label.flat[:sky] = 2
        for kind, pixels in (("images", np.zeros((8, 16, 3), np.uint8)), ("labels", label)):
            (root / kind).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(root / kind / f"{index}.png")
    (root / "splits").mkdir(exist_ok=True)
    (root / "splits/train.txt").write_text("0\n1\n2\n")
    return SourceDataModule(
        dataset="plain", root=str(root), batch_size=1, num_workers=0, **settings
    )


def test_the_data_module_draws_images_with_rare_classes_more_often(tmp_path) -> None:
    data = _photographs(tmp_path, rare_class_temperature=0.1, rare_class_pixels=40)
    data.setup("fit")
    loader = data.train_dataloader()
    share = 40 / (3 * 128)
    rare = np.exp((1 - share) / 0.1)
    rare /= rare + np.exp(share / 0.1)
    weights = loader.sampler.weights.tolist()
    assert weights == pytest.approx([(1 - rare) / 3, rare + (1 - rare) / 3, (1 - rare) / 3])
    assert len(loader) == 3
    assert {name for batch in loader for name in batch.names} <= {"0", "1", "2"}


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_none_is_refused(tmp_path, temperature: float) -> None:
    with pytest.raises(ValueError, match=r"data\.rare_class_temperature is"):
        _photographs(tmp_path, rare_class_temperature=temperature)
