from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import block, write_domain

from goodsam_pl.data import DomainDataset, DomainFolder, DomainImage, SquareFrame, Views, normalize
from goodsam_pl.data.domain_batch import collate_domains
from goodsam_pl.data.drawn_prompts import box_of, inner_points

PLAIN = Views(side=60, jitter=None, flip=False, mask_side=15)


def dataset(root: Path, views: Views = PLAIN, training: bool = False, count: int = 4):
    write_domain(root, count)
    images = DomainFolder("rail", str(root)).read().train
    return DomainDataset([DomainImage(image, 3) for image in images], views, training)


def test_evaluation_sees_the_whole_image_and_the_box_of_the_mask(tmp_path):
    samples = dataset(tmp_path)
    sample = samples[2]
    pair = samples.images[2].image.read()
    frame = SquareFrame((20, 30), 60)
    assert torch.equal(sample.image, frame.image(pair.image))
    assert np.array_equal(sample.mask.numpy(), frame.mask(block(2)))
    assert sample.original.frame == frame
    assert np.array_equal(sample.original.mask.numpy(), block(2))
    assert (sample.kind, sample.domain, sample.name) == ("box", 3, "02")
    # columns 4 to 11 and rows 3 to 8, each centre in the middle of 2×2 pixels
    assert sample.prompt.tolist() == [8.5, 6.5, 22.5, 16.5]
    assert torch.equal(samples[2].prompt, sample.prompt)


def test_the_box_as_released_is_of_the_resized_mask(tmp_path):
    sample = dataset(tmp_path, Views(side=60, evaluation_box="resized"))[2]
    assert np.array_equal(sample.prompt.numpy(), box_of(sample.mask.numpy()))
    assert sample.prompt.tolist() == [8, 6, 23, 17]
    tiny = dataset(tmp_path / "tiny", Views(side=3, evaluation_box="resized"))[2]
    assert tiny.prompt.tolist() == [0, 0, 0, 0]  # nothing is above a half


def test_evaluation_by_points_asks_deep_in_the_mask(tmp_path):
    views = Views(side=60, points=2, evaluation="points")
    samples = dataset(tmp_path, views)
    sample = samples[2]
    assert sample.kind == "points"
    inside = sample.original.frame.points(inner_points(block(2), 2))
    assert np.array_equal(sample.prompt.numpy(), inside)
    assert sample.mask[tuple(sample.prompt[0].round().long().flip(0))]
    assert torch.equal(samples[2].prompt, sample.prompt)


def test_without_jitter_training_sees_what_evaluation_sees(tmp_path):
    training, evaluation = dataset(tmp_path, training=True), dataset(tmp_path)
    for index in range(4):
        one, other = training.draw(index, np.random.default_rng(index)), evaluation[index]
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.mask, other.mask)
        assert one.original is None


def test_prompts_are_drawn_for_each_sample_anew(tmp_path):
    samples = dataset(tmp_path, Views(side=60, mask_side=15, points=7), training=True)
    random, kinds = np.random.default_rng(0), []
    for _ in range(60):
        sample = samples.draw(1, random)
        kinds.append(sample.kind)
        mask = sample.mask.numpy()
        assert mask.any()
        if sample.kind == "box":
            assert np.array_equal(sample.prompt.numpy(), box_of(mask))
        elif sample.kind == "points":
            columns, rows = sample.prompt.numpy().astype(int).T
            assert len(rows) == 7
            assert mask[rows, columns].all()
        else:
            assert sample.prompt.shape == (1, 15, 15)
    assert min(kinds.count(kind) for kind in ("box", "points", "mask")) > 10


def test_half_of_the_images_are_mirrored(tmp_path):
    samples = dataset(tmp_path, Views(side=30, jitter=None), training=True)
    straight = normalize(samples.images[0].image.read().image)
    random = np.random.default_rng(0)
    mirrored = 0
    for _ in range(40):
        seen = samples.draw(0, random)
        image, mask = seen.image[:, :20], seen.mask[:20].numpy()
        assert torch.equal(image, straight) or torch.equal(image, straight.flip(-1))
        if not torch.equal(image, straight):
            mirrored += 1
            mask = mask[:, ::-1]
        assert np.array_equal(mask, block(0))
    assert 10 < mirrored < 30


def test_visits_repeat_under_a_seed_and_differ(tmp_path):
    samples = dataset(tmp_path, Views(side=60, mask_side=15), training=True)
    torch.manual_seed(1)
    first, second = samples[0], samples[0]
    torch.manual_seed(1)
    assert torch.equal(samples[0].image, first.image)
    assert not torch.equal(first.image, second.image)


def test_boxes_with_noise(tmp_path):
    views = Views(side=60, jitter=None, flip=False, prompts=("box",), box_noise=0.2)
    samples = dataset(tmp_path, views, training=True)
    random = np.random.default_rng(0)
    boxes = np.stack([samples.draw(0, random).prompt.numpy() for _ in range(30)])
    assert len(np.unique(boxes, axis=0)) == 30
    np.testing.assert_allclose(boxes.mean(axis=0), box_of(samples[0].mask.numpy()), atol=2.5)


def test_a_batch_groups_its_prompts_and_moves_as_one(tmp_path):
    samples = dataset(tmp_path, Views(side=60, mask_side=15), training=True)
    random = np.random.default_rng(3)
    drawn = [samples.draw(index % 4, random) for index in range(12)]
    batch = collate_domains(drawn)
    assert batch.image.shape == (12, 3, 60, 60)
    assert batch.mask.dtype == torch.bool
    assert batch.domain.tolist() == [3] * 12
    assert batch.names[:2] == ["00", "01"]
    assert batch.files[5] == samples.images[1].image.image
    assert [group.kind for group in batch.prompts] == ["box", "mask", "points"]
    rows = torch.cat([group.rows for group in batch.prompts])
    assert sorted(rows.tolist()) == list(range(12))
    for kind, rows, values in batch.prompts:
        for row, value in zip(rows.tolist(), values, strict=True):
            assert drawn[row].kind == kind
            assert torch.equal(drawn[row].prompt, value)
    moved = batch.to("meta")
    assert moved is batch
    assert {tensor.device.type for tensor in (batch.image, batch.mask, batch.domain)} == {"meta"}
    assert all(group.values.is_meta and group.rows.is_meta for group in batch.prompts)
    evaluated = collate_domains([dataset(tmp_path)[0]])
    assert len(evaluated.originals) == 1
    assert evaluated.to("meta").originals[0].mask.is_meta


def test_views_that_cannot_be_are_refused():
    for options, told in (
        ({"side": 0}, r"views\.side is 0"),
        ({"points": 0}, r"views\.points is 0"),
        ({"prompts": ()}, r"views\.prompts is empty"),
        ({"box_noise": -1}, r"views\.box_noise is -1"),
        ({"jitter": (2.0, 0.1)}, r"jitter \[2\.0, 0\.1\]"),
    ):
        with pytest.raises(ValueError, match=told):
            Views(**options)
