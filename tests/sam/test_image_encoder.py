"""The encoder that compares few tokens at a time is segment_anything's encoder."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT
from torch import nn

from goodsam_pl.networks.small_sam import build_small_sam
from goodsam_pl.sam import image_encoder
from goodsam_pl.sam.image_encoder import encode_images


def random_encoder(use_rel_pos: bool = True, window_size: int = 3) -> ImageEncoderViT:
    """Two windowed and one global block on 8×8 tokens, which windows of 3 do not divide."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = ImageEncoderViT(
            img_size=32,
            patch_size=4,
            embed_dim=24,
            depth=3,
            num_heads=3,
            out_chans=16,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=use_rel_pos,
            window_size=window_size,
            global_attn_indexes=(1,),
        )
        for parameter in encoder.parameters():
            nn.init.normal_(parameter, std=0.3)
    return encoder.eval()


@pytest.mark.parametrize("use_rel_pos", [True, False])
@pytest.mark.parametrize("scores", [1, 640, 64 * 64, 3 * 64 * 64, 1 << 20])
@torch.no_grad()
def test_embeddings_are_those_of_the_stock_encoder_however_many_scores_fit(
    scores: int, use_rel_pos: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_encoder, "_CPU_SCORES", scores)
    encoder = random_encoder(use_rel_pos)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encode_images(encoder, images), encoder(images))


@torch.no_grad()
def test_16_bits_come_as_near_to_32_as_with_the_stock_encoder() -> None:
    encoder = random_encoder()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    exact = encoder(images)
    with torch.autocast("cpu", torch.bfloat16):
        ours, stock = encode_images(encoder, images), encoder(images)
    error = (ours.float() - exact).abs().mean()
    assert 0 < error < 1.2 * (stock.float() - exact).abs().mean()


@torch.no_grad()
def test_the_small_sam_is_encoded_alike() -> None:
    encoder = build_small_sam().image_encoder
    images = torch.randn(1, 3, 192, 192, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encode_images(encoder, images), encoder(images))
