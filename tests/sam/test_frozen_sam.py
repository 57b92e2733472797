"""A frozen SAM says what SAM says, to the bit, and is in nobody's state dict."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from segment_anything import sam_model_registry
from segment_anything.modeling import Sam
from torch import nn

from goodsam_pl.networks.small_sam import SmallSam
from goodsam_pl.sam.frozen_sam import FrozenSam
from goodsam_pl.sam.image_encoder import encode_images
from goodsam_pl.sam.image_prompts import ImagePrompts


def images(side: int = 64) -> torch.Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


BOXES = ImagePrompts(boxes=torch.tensor([[5.0, 9.0, 40.0, 50.0], [20.0, 8.0, 60.0, 33.0]]))


def test_features_are_of_the_pass_with_windows(stock_sam: Callable[[int], Sam]) -> None:
    model = stock_sam(0)
    sam = FrozenSam(model, "stock")
    assert sam.early_block == 1
    tokens, means = model.image_encoder.patch_embed(images()) + model.image_encoder.pos_embed, []
    with torch.no_grad():
        features = sam.encode(images())
        assert features.embedding.equal(encode_images(model.image_encoder, images()))
        for index, block in enumerate(model.image_encoder.blocks):
            tokens = block(tokens)
            means.append(tokens.mean(dim=(1, 2)))
            if index == 1:
                torch.testing.assert_close(features.early, tokens.permute(0, 3, 1, 2))
    torch.testing.assert_close(features.means, torch.stack(means, dim=1))


def test_masks_are_those_of_meta_s_sam_to_the_bit(stock_sam: Callable[[int], Sam]) -> None:
    model = stock_sam(0)
    sam = FrozenSam(model, "stock")
    ours = sam.decode(sam.encode(images()), BOXES)
    boxes = BOXES.boxes
    assert boxes is not None
    given = [
        {"image": image, "original_size": (64, 64), "boxes": box[None]}
        for image, box in zip(images(), boxes, strict=True)
    ]
    model.pixel_mean.zero_()
    model.pixel_std.fill_(1)
    theirs = model(given, multimask_output=False)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other["low_res_logits"][0])  # it encodes them together
    alone = [
        sam.decode(sam.encode(images()).take(torch.tensor([at])), BOXES.take(torch.tensor([at])))
        for at in (0, 1)
    ]
    assert ours.equal(torch.cat(alone))


def test_sizes_of_vit_b_and_of_the_small_sam() -> None:
    with torch.device("meta"):
        large = FrozenSam(sam_model_registry["vit_b"](), "vit_b")
    assert large.early_block == 2
    assert large.shape == (1024, 64, 256, 768, 12, 32)
    small = FrozenSam.of("vit_nano")
    assert small.early_block == 1
    assert small.shape == (192, 24, 64, 128, 4, 32)


def test_it_is_left_out_and_trains_nothing(stock_sam: Callable[[int], Sam]) -> None:
    holder = nn.Module()
    holder.sam, holder.own = FrozenSam(stock_sam(0), "stock"), nn.Linear(1, 1)
    assert set(holder.state_dict()) == {"own.weight", "own.bias"}
    holder.load_state_dict(holder.state_dict())
    holder.train()
    assert not any(part.training for part in holder.sam.modules())
    assert not any(parameter.requires_grad for parameter in holder.sam.parameters())


def test_its_fingerprint_is_of_its_weights(stock_sam: Callable[[int], Sam]) -> None:
    prints = [FrozenSam(stock_sam(seed), "stock").fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
    assert len(prints[0]) == 64


def test_what_does_not_fit_is_named(stock_sam: Callable[[int], Sam]) -> None:
    sam = FrozenSam(stock_sam(0), "stock")
    with pytest.raises(ValueError, match=r"\(2, 3, 32, 32\): stock takes \(B, 3, 64, 64\)"):
        sam.encode(images(32))
    model = SmallSam(image_size=64, width=32, depth=1, heads=2, window_size=4, global_blocks=())
    with pytest.raises(ValueError, match="no block that attends to the whole image"):
        FrozenSam(model, "small")
