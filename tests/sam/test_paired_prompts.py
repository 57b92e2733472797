"""A decoder asked for many images at once says what it says of each, and learns through itself."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from segment_anything.modeling import Sam

from goodsam_pl.sam.frozen_sam import FrozenSam
from goodsam_pl.sam.image_prompts import ImagePrompts
from goodsam_pl.sam.paired_prompts import decode_pairs, single_mask


@pytest.mark.parametrize("small", [False, True])
@torch.no_grad()
def test_masks_of_several_images_are_those_of_each(
    small: bool, stock_sam: Callable[[int], Sam], tiny_sam: Sam
) -> None:
    model = deepcopy(tiny_sam) if small else stock_sam(0)
    sam = FrozenSam(model, "tiny")
    features = sam.encode(torch.randn(3, 3, 64, 64))
    corners = torch.rand(3, 2, 2) * 64
    prompts = ImagePrompts(boxes=torch.cat([corners.amin(1), corners.amax(1)], dim=1))
    decoded = decode_pairs(
        model.mask_decoder,
        sam.places(),
        features.embedding,
        prompts.embed(model.prompt_encoder),
    )
    drawn = single_mask(model.mask_decoder, decoded)
    assert drawn.shape == (3, 1, 32, 32)
    torch.testing.assert_close(drawn, sam.decode(features, prompts))
    assert decoded.further.shape[1] == 0


def test_further_tokens_stand_behind_sam_s_own_and_learn(stock_sam: Callable[[int], Sam]) -> None:
    model = stock_sam(0)
    sam = FrozenSam(model, "stock")
    features = sam.encode(torch.randn(2, 3, 64, 64))
    prompts = ImagePrompts(boxes=torch.tensor([[5.0, 9.0, 40.0, 50.0]]).repeat(2, 1))
    embedded = prompts.embed(model.prompt_encoder)
    further = torch.randn(2, 16, requires_grad=True)
    decoded = decode_pairs(model.mask_decoder, sam.places(), features.embedding, embedded, further)
    tokens, _ = model.mask_decoder.transformer(
        features.embedding + embedded.dense,
        sam.places().expand(2, -1, -1, -1),
        torch.cat(
            [
                torch.cat(
                    [
                        model.mask_decoder.iou_token.weight,
                        model.mask_decoder.mask_tokens.weight,
                        further,
                    ]
                ).expand(2, -1, -1),
                embedded.sparse,
            ],
            dim=1,
        ),
    )
    torch.testing.assert_close(decoded.masks, tokens[:, 1:5])
    torch.testing.assert_close(decoded.further, tokens[:, 5:7])
    decoded.further.square().sum().backward()
    assert further.grad is not None
    assert all(parameter.grad is None for parameter in model.parameters())
