"""HQ-SAM's part: its size, its formula, its two beginnings."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from segment_anything import sam_model_registry
from segment_anything.modeling import Sam
from segment_anything.modeling.common import LayerNorm2d
from torch import nn

from goodsam_pl.modules.continual.hq_adapter import HqAdapter, _ChannelNorm
from goodsam_pl.networks import save_weights
from goodsam_pl.sam.frozen_sam import FrozenSam
from goodsam_pl.sam.image_prompts import ImagePrompts
from goodsam_pl.sam.paired_prompts import decode_pairs

PROMPTS = ImagePrompts(boxes=torch.tensor([[5.0, 9.0, 40.0, 50.0], [20.0, 8.0, 60.0, 33.0]]))
IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def sam(stock_sam: Callable[[int], Sam]) -> FrozenSam:
    return FrozenSam(stock_sam(0), "stock")


def test_for_vit_b_it_has_the_parameters_of_the_release() -> None:
    with torch.device("meta"):
        adapter = HqAdapter(FrozenSam(sam_model_registry["vit_b"](), "vit_b"))
    assert sum(parameter.numel() for parameter in adapter.parameters()) == 1_071_104


@pytest.mark.parametrize("small", [False, True])
def test_it_begins_as_sam_to_the_bit_and_then_learns(
    small: bool, sam: FrozenSam, tiny_sam: Sam
) -> None:
    sam = FrozenSam(deepcopy(tiny_sam), "tiny") if small else sam
    adapter = HqAdapter(sam)
    features = sam.encode(IMAGES)
    logits = adapter(sam, features, PROMPTS)
    assert logits.shape == (2, 1, 32, 32)
    assert logits.equal(sam.decode(features, PROMPTS))
    optimizer = torch.optim.SGD(adapter.parameters(), lr=0.01)
    for _ in range(2):  # the first step moves the last layer alone
        optimizer.zero_grad()
        adapter(sam, features, PROMPTS).square().mean().backward()
        optimizer.step()
    gradients = [parameter.grad for parameter in adapter.parameters()]
    assert all(gradient is not None and gradient.any() for gradient in gradients)
    assert all(parameter.grad is None for parameter in sam.parameters())


def test_the_norm_is_sams_in_value_and_gradient() -> None:
    drawn = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 6, 5, 7, generator=drawn) * 3 + 1
    found = []
    for norm in (LayerNorm2d(6), _ChannelNorm(6)):
        with torch.no_grad():
            norm.weight.copy_(torch.arange(6) - 2.0)
            norm.bias.copy_(torch.arange(6) / 5)
        given = maps.clone().requires_grad_(True)
        norm(given).pow(3).sum().backward()
        assert given.grad is not None
        assert norm.weight.grad is not None
        found.append((norm(maps), given.grad, norm.weight.grad))
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def released(adapter: HqAdapter) -> dict[str, torch.Tensor]:
    """The adapter's tensors by the names that HQ-SAM's checkpoint has."""
    names = {
        "token": "hf_token.weight",
        "head": "hf_mlp",
        "from_masks": "embedding_maskfeature",
        "from_embedding": "embedding_encoder",
        "from_early": "compress_vit_feat",
    }
    return {
        "mask_decoder."
        + names[name.partition(".")[0]]
        + name.removeprefix(name.partition(".")[0]): value
        for name, value in adapter.state_dict().items()
    }


def test_from_a_checkpoint_of_hq_sam_its_logits_stand_alone(sam: FrozenSam, tmp_path: Path) -> None:
    trained = HqAdapter(sam, adds_to_sam=False)
    others = {
        f"image_encoder.{name}": value for name, value in sam.sam.image_encoder.named_parameters()
    }
    save_weights({**released(trained), **others}, tmp_path / "hq.safetensors")
    adapter = HqAdapter(sam, str(tmp_path / "hq.safetensors"))
    assert not adapter.adds_to_sam
    for name, value in adapter.state_dict().items():
        assert value.equal(trained.state_dict()[name])

    features = sam.encode(IMAGES)
    with torch.no_grad():
        decoded = decode_pairs(
            sam.sam.mask_decoder,
            sam.places(),
            features.embedding,
            PROMPTS.embed(sam.sam.prompt_encoder),
            adapter.token,
        )
        drawn_from = (
            adapter.from_masks(decoded.features)
            + adapter.from_embedding(features.embedding)
            + adapter.from_early(features.early)
        )
        weights = adapter.head(decoded.further[:, 0])
        expected = (weights[:, :, None, None] * drawn_from).sum(dim=1, keepdim=True)
        torch.testing.assert_close(adapter(sam, features, PROMPTS), expected)


def test_a_checkpoint_of_another_size_or_kind_is_refused(sam: FrozenSam, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_weights(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(ValueError, match=r"other.safetensors holds no HQ-SAM's part for stock"):
        HqAdapter(sam, str(path))
    small = HqAdapter(sam).state_dict() | {"hf_token.weight": torch.zeros(1, 8)}
    save_weights(small, path)
    with pytest.raises(ValueError, match="token is missing or of another shape"):
        HqAdapter(sam, str(path))
