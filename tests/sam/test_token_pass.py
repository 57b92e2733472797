"""Tokens in front of the patches: an independent pass by hand, gradients, and what stays alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.frozen_sam import FrozenSam
from goodsam_pl.sam.image_encoder import patch_tokens, transformer_of
from goodsam_pl.sam.token_pass import pass_tokens

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def by_hand(sam: Sam, images: Tensor, tokens: Tensor) -> Tensor:
    """All tokens and patches of one image at a time, head by head, no windows, no places."""
    answers = []
    for image in images:
        patches = patch_tokens(sam.image_encoder, image[None]).reshape(-1, tokens.shape[1])
        sequence = torch.cat([tokens, patches])
        for block in transformer_of(sam.image_encoder).blocks:
            normed, heads = block.norm1(sequence), []
            queries, keys, values = block.attn.qkv(normed).chunk(3, dim=1)
            width = tokens.shape[1] // block.attn.num_heads
            for head in range(block.attn.num_heads):
                part = slice(head * width, (head + 1) * width)
                scores = queries[:, part] @ keys[:, part].T / math.sqrt(width)
                heads.append(scores.softmax(dim=1) @ values[:, part])
            sequence = sequence + block.attn.proj(torch.cat(heads, dim=1))
            sequence = sequence + block.mlp(block.norm2(sequence))
        answers.append(sequence[: len(tokens)])
    return torch.stack(answers)


@pytest.mark.parametrize("small", [False, True])
@torch.no_grad()
def test_tokens_and_patches_attend_to_each_other_in_all_blocks(
    small: bool, stock_sam: Callable[[int], Sam], tiny_sam: Sam
) -> None:
    sam, tokens = deepcopy(tiny_sam) if small else stock_sam(0), torch.randn(3, 32)
    passed = pass_tokens(sam.image_encoder, IMAGES, tokens)
    assert passed.shape == (2, 3, 32)
    torch.testing.assert_close(passed, by_hand(sam, IMAGES, tokens))


def test_tokens_learn_through_frozen_blocks_and_the_plain_pass_stays(
    stock_sam: Callable[[int], Sam],
) -> None:
    sam = FrozenSam(stock_sam(0), "stock")
    before = sam.encode(IMAGES)
    tokens = torch.randn(3, 32, requires_grad=True)
    weights = torch.randn(2, 32)
    (pass_tokens(sam.sam.image_encoder, IMAGES, tokens)[:, 0] * weights).sum().backward()
    again = tokens.detach().clone().requires_grad_()
    (by_hand(sam.sam, IMAGES, again)[:, 0] * weights).sum().backward()
    torch.testing.assert_close(tokens.grad, again.grad)
    assert all(parameter.grad is None for parameter in sam.parameters())
    assert all(a.equal(b) for a, b in zip(before, sam.encode(IMAGES), strict=True))
