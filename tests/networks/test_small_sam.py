"""The small SAM is a SAM: segment_anything's own tools drive it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor

from goodsam_pl.networks.small_sam import NANO_WEIGHTS, SmallSam


def test_a_window_becomes_tokens_of_eight_pixels_and_logits_of_two() -> None:
    sam = SmallSam()
    assert not sam.training
    with torch.no_grad():
        embedding = sam.image_encoder(torch.zeros(2, 3, 192, 192))
    assert embedding.shape == (2, 64 + 20 * 32, 24, 24)  # details behind the embedding
    predictor = SamPredictor(sam)
    predictor.set_image(np.zeros((96, 192, 3), dtype=np.uint8))
    masks, scores, logits = predictor.predict(np.array([[5, 5]]), np.array([1]))
    assert masks.shape == (3, 96, 192)
    assert scores.shape == (3,)
    assert logits.shape == (3, 96, 96)


def test_the_size_sets_every_dimension() -> None:
    sam = SmallSam(128, 96, 3, 3, 8, (1,), 32)
    blocks = sam.image_encoder.vit.blocks
    assert [block.window_size for block in blocks] == [8, 0, 8]
    assert blocks[0].attn.num_heads == 3
    packed = sam.image_encoder(torch.zeros(1, 3, 128, 128))
    assert packed.shape == (1, 32 + 20 * 32, 16, 16)


def test_an_image_that_does_not_split_into_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 64"):
        SmallSam(image_size=200)


def test_attention_begins_as_a_function_of_distance_that_is_highest_at_none() -> None:
    sam = SmallSam()
    attention = sam.mask_decoder.transformer.layers[0].cross_attn_token_to_image
    with torch.no_grad():
        positions = sam.prompt_encoder.get_dense_pe()[0].flatten(1).T
        queries, keys = (
            projection(positions).unflatten(1, (2, 16)) - projection.bias.unflatten(0, (2, 16))
            for projection in (attention.q_proj, attention.k_proj)
        )
        scores = torch.einsum("qhc,khc->hqk", queries, keys).unflatten(2, (24, 24))
    scores = scores.unflatten(1, (24, 24))
    torch.testing.assert_close(
        scores[:, 3, 5, 7, 9], scores[:, 10, 12, 14, 16], rtol=1e-3, atol=1e-3
    )
    for row, column in ((0, 0), (11, 4), (23, 23)):
        highest = scores[:, row, column].flatten(1).argmax(dim=1)
        assert highest.tolist() == [24 * row + column] * 2


def test_the_shipped_weights_are_small_and_fit() -> None:
    assert NANO_WEIGHTS.stat().st_size < 12e6
    sam = SmallSam(weights=str(NANO_WEIGHTS))
    assert not sam.training
    assert all(torch.isfinite(parameter).all() for parameter in sam.parameters())
    assert NANO_WEIGHTS.with_suffix(".md").is_file()
