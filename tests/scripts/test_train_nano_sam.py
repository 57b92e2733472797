"""The training of the small SAM: what it clicks on, what it aims at, and that it can go on."""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import train_nano_sam
from goodsam_pl.networks.small_sam import build_small_sam
from goodsam_pl.sam.mask_decoder import decode_points
from goodsam_pl.sam.mask_logits import draw_blocks, draw_masks
from nano_sam.objective import _affinity, _blocks, _overlap
from nano_sam.prompts import draw_batch, draw_clicks
from nano_sam.scenes import Pictures, Window, cut_window


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """Two panoramas of 192×256 with eight upright stripes of random colours."""
    random = np.random.default_rng(0)
    stripes = np.repeat(np.arange(8, dtype=np.int16), 32)
    instances = np.broadcast_to(stripes, (2, 192, 256)).copy()
    instances[:, 50:53, 10:13] = 8
    colours = random.integers(0, 256, (2, 9, 3), dtype=np.uint8)
    images = np.stack([colour[own] for colour, own in zip(colours, instances, strict=True)])
    return Pictures(images, instances, wraps=True)


def test_windows_of_a_panorama_cross_its_seam(pictures: Pictures) -> None:
    seen = set()
    for seed in range(20):
        window = cut_window(pictures, np.random.default_rng(seed), zoom=0.0)
        assert window.image.shape == (192, 192, 3)
        seen |= set(pairwise(window.instances[0].tolist()))
    assert {(7, 0), (0, 7)} & seen


def test_clicks_find_every_object_that_is_large_enough(pictures: Pictures) -> None:
    window = Window(pictures.images[0, :, :192], pictures.instances[0, :, :192])
    rows, columns = draw_clicks(window, 500, np.random.default_rng(1))
    counts = np.bincount(window.instances[rows, columns], minlength=9)
    assert (counts[:6] > 40).all()
    assert counts[8] == 0


def test_a_batch_is_the_same_for_the_same_seed(pictures: Pictures) -> None:
    first, second = (draw_batch(pictures, pictures, 2, 3, [0, 5]) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert first.wholes.shape == (2, 3, 96, 96)
    # pieces are parts of wholes, and every patch is covered once
    assert (first.pieces <= first.wholes).all()
    torch.testing.assert_close(first.shares.sum(dim=1), torch.ones(2, 576))


def test_targets_are_ordered_as_the_decoder_draws() -> None:
    sam = build_small_sam()
    with torch.no_grad():
        decoded = decode_points(sam, torch.randn(1, 64, 24, 24), torch.rand(1, 2, 2) * 192)
        masks = draw_masks(sam, decoded, torch.ones(2, 3, dtype=torch.bool))
        blocks = draw_blocks(sam, decoded).flatten(0, 1)
    assert torch.equal(_blocks(masks[None]), blocks)


def test_overlap_is_the_intersection_over_the_union() -> None:
    logits = torch.tensor([[[1.0, 1.0, -1.0, -1.0]] * 3])
    target = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    torch.testing.assert_close(_overlap(logits, target), torch.full((1, 3), 1 / 3))


def test_affinity_is_low_where_embeddings_tell_instances_apart() -> None:
    ids = torch.arange(16) // 4
    shares = torch.nn.functional.one_hot(ids).T[None].float()
    telling = torch.zeros(1, 64, 4, 4)
    telling.flatten(2)[0, ids * 16, torch.arange(16)] = 4.0
    assert float(_affinity(telling, shares)) < 0.1
    assert float(_affinity(torch.full((1, 64, 4, 4), 1.0), shares)) > 1.0
    assert float(_affinity(torch.zeros(1, 64, 4, 4), shares)) > 0.5


def test_the_learning_rate_warms_up_and_cools_down() -> None:
    rates = [train_nano_sam.schedule(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / 200)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_nano_sam, "render_pictures", lambda *_: pictures)

    def train(out: str, steps: int, stop: int) -> dict[str, torch.Tensor]:
        arguments = argparse.Namespace(
            out=tmp_path / out,
            cache=tmp_path,
            panoramas=2,
            photographs=2,
            steps=steps,
            encoder_steps=1,
            windows=1,
            clicks=2,
            learning_rate=1e-3,
            seed=0,
        )
        arguments.out.mkdir(exist_ok=True)
        training = train_nano_sam.Training(arguments)
        while training.step < stop:
            training._one_step()
            training.step += 1
        training.save()
        return training.average.state_dict()

    train("interrupted", 3, 2)
    resumed, straight = train("interrupted", 3, 3), train("straight", 3, 3)
    for name, tensor in straight.items():
        torch.testing.assert_close(resumed[name], tensor, rtol=1e-4, atol=1e-6)
    assert (tmp_path / "straight" / "vit_nano.safetensors").stat().st_size < 12e6
