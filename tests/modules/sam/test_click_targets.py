"""Clicks and instances at the resolution of tokens and logits."""

from __future__ import annotations

import torch

from goodsam_pl.data import ClickBatch
from goodsam_pl.modules.sam.click_targets import (
    block_ids,
    clicked_wholes,
    mask_blocks,
    patch_shares,
)
from goodsam_pl.networks.small_sam import SmallSam
from goodsam_pl.sam.mask_decoder import decode_points
from goodsam_pl.sam.mask_logits import draw_blocks, draw_masks


def test_targets_are_ordered_as_the_decoder_draws() -> None:
    sam = SmallSam()
    with torch.no_grad():
        decoded = decode_points(sam, torch.randn(1, 64, 24, 24), torch.rand(1, 2, 2) * 192)
        masks = draw_masks(sam, decoded, torch.ones(2, 3, dtype=torch.bool)) > 0
        blocks = draw_blocks(sam, decoded).flatten(0, 1) > 0
    doubled = masks.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    assert torch.equal(mask_blocks(doubled[None], (24, 24)), blocks.float())


def test_ids_are_ordered_as_masks() -> None:
    instances = torch.randint(0, 5, (2, 96, 192), generator=torch.Generator().manual_seed(0))
    middles = instances[:, 1::2, 1::2].repeat_interleave(2, 1).repeat_interleave(2, 2)
    for wanted in range(5):
        blocks = mask_blocks((middles == wanted)[:, None], (12, 24))
        assert torch.equal(blocks.flatten(1) == 1, block_ids(instances, (12, 24)) == wanted)


def test_a_logit_s_target_is_the_share_of_its_pixels() -> None:
    mask = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    mask[..., :3] = True  # a logit has 4×4 pixels
    blocks = mask_blocks(mask, (1, 1))
    upper_left, upper_right = blocks.reshape(2, 2, 2, 2)[0, 0, 0], blocks.reshape(2, 2, 2, 2)[0, 1]
    assert upper_left.tolist() == [0.75, 0.0]
    assert upper_right.sum() == 0.0
    assert float(blocks.sum()) == 4 * 0.75


def test_the_whole_of_a_click_is_its_instance() -> None:
    instances = torch.tensor([[[0, 0, 1], [2, 0, 1]], [[0, 0, 0], [1, 1, 0]]])
    points = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [2.0, 1.0]]])
    wholes = clicked_wholes(ClickBatch(torch.empty(0), instances, points, torch.empty(0)))
    for image, click, own in ((0, 0, 1), (0, 1, 2), (1, 0, 1), (1, 1, 0)):
        assert torch.equal(wholes[image, click], instances[image] == own)


def test_every_patch_is_shared_by_its_instances() -> None:
    instances = torch.zeros(2, 4, 8, dtype=torch.int64)
    instances[1, 0, :3] = 1
    instances[1, 3, 7] = 500  # beyond the largest 96
    shares = patch_shares(instances, (1, 2))
    assert shares.shape == (2, 96, 2)
    assert shares[0].sum() == 2.0
    assert shares[1, 0].tolist() == [13 / 16, 15 / 16]
    assert shares[1, 1].tolist() == [3 / 16, 0.0]
    assert shares[:, 2:].sum() == 0.0
