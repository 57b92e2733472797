"""The decoder with details is SAM's where there are none, and adds them where they belong."""

from __future__ import annotations

import torch
from segment_anything.modeling import MaskDecoder

from goodsam_pl.networks.small_sam import SmallSam
from goodsam_pl.networks.small_sam_decoder import SmallDecoder

CLICKS = torch.tensor([[[10.0, 20.0]], [[40.0, 33.0]], [[63.0, 0.0]]])


def small_sam() -> SmallSam:
    torch.manual_seed(1)
    return SmallSam(64, 32, 2, 2, 4, (1,), 32, mask_features=8)


def decode(sam: SmallSam, embedding: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    sparse, dense = sam.prompt_encoder((CLICKS, torch.ones(3, 1)), None, None)
    with torch.no_grad():
        masks, scores = sam.mask_decoder(
            embedding, sam.prompt_encoder.get_dense_pe(), sparse, dense, multimask_output=True
        )
    return masks, scores


def test_without_details_it_is_segment_anything_s() -> None:
    sam = small_sam()
    plain = torch.randn(1, 32, 8, 8)
    masks, scores = decode(sam, plain)

    class Stock(SmallDecoder):
        predict_masks = MaskDecoder.predict_masks

    sam.mask_decoder.__class__ = Stock
    stock_masks, stock_scores = decode(sam, plain)
    torch.testing.assert_close(masks, stock_masks)
    torch.testing.assert_close(scores, stock_scores)


def test_details_of_zero_change_nothing() -> None:
    sam = small_sam()
    plain = torch.randn(1, 32, 8, 8)
    with_zeros = torch.cat([plain, torch.zeros(1, 20 * 8, 8, 8)], dim=1)
    torch.testing.assert_close(decode(sam, with_zeros), decode(sam, plain))


def test_a_detail_changes_the_logit_of_its_place_alone() -> None:
    sam = small_sam()
    packed = torch.randn(1, 32 + 20 * 8, 8, 8)
    changed = packed.clone()
    quarter, sixteenth = 2, 1  # lower left, then upper right of it
    channel = 32 + 4 * 8 + (4 * quarter + sixteenth) * 8
    changed[0, channel : channel + 8, 3, 5] += 10.0
    (before, _), (after, _) = decode(sam, packed), decode(sam, changed)
    touched = (before != after).any(dim=0).any(dim=0).nonzero().tolist()
    assert touched == [[4 * 3 + 2, 4 * 5 + 1]]


def test_what_is_added_to_quarters_changes_four_logits() -> None:
    sam = small_sam()
    packed = torch.randn(1, 32 + 20 * 8, 8, 8)
    changed = packed.clone()
    changed[0, 32 + 3 * 8, 3, 5] += 10.0  # lower right
    (before, _), (after, _) = decode(sam, packed), decode(sam, changed)
    touched = (before != after).any(dim=0).any(dim=0).nonzero().tolist()
    assert touched == [[14, 22], [14, 23], [15, 22], [15, 23]]
