"""What every adapter does: begins as SAM, learns, changes nothing of SAM, keeps its own alone."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from segment_anything.modeling import Sam

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.bottleneck_adapter import BottleneckAdapter
from goodsam_pl.modules.continual.decoder_adapter import DecoderAdapter
from goodsam_pl.modules.continual.hq_adapter import HqAdapter
from goodsam_pl.modules.continual.low_rank_adapter import LowRankAdapter, first_adapted_block
from goodsam_pl.modules.continual.own_decoding import decode_with
from goodsam_pl.modules.continual.prompt_pool_adapter import PromptPoolAdapter
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam

KINDS = [HqAdapter, BottleneckAdapter, DecoderAdapter, LowRankAdapter, PromptPoolAdapter]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("small", [False, True])
def test_it_learns_and_sam_stays(
    kind: Callable[[FrozenSam], Adapter],
    small: bool,
    sam: FrozenSam,
    tiny_sam: Sam,
    batch_of: Callable[..., PromptedBatch],
) -> None:
    sam = FrozenSam(deepcopy(tiny_sam), "tiny") if small else sam
    batch, fingerprint = batch_of(3), sam.fingerprint
    adapter = kind(sam)
    begun = draw_masks(adapter, sam, batch)
    assert begun.shape == (3, 1, 32, 32)
    if kind is not PromptPoolAdapter:
        torch.testing.assert_close(begun, draw_masks(None, sam, batch))
    learned = {name: each for name, each in adapter.named_parameters() if each.requires_grad}
    optimizer = torch.optim.SGD(learned.values(), lr=1e-2)
    for _ in range(2):  # what begins with zeros hides what is before it for a step
        optimizer.zero_grad()
        draw_masks(adapter, sam, batch).square().mean().backward()
        optimizer.step()
    still = {name for name, each in learned.items() if each.grad is None or not each.grad.any()}
    # the keys of a pool have a term of their own; keys' biases of attention never matter
    assert not {name for name in still if "k_proj.bias" not in name} - {"keys"}
    assert all(parameter.grad is None for parameter in sam.parameters())
    assert type(sam).fingerprint.func(sam) == fingerprint  # type: ignore[attr-defined]
    assert not any("sam" in name for name in adapter.state_dict())


def test_low_rank_terms_by_hand(sam: FrozenSam, batch_of: Callable[..., PromptedBatch]) -> None:
    adapter = LowRankAdapter(sam, rank=3)
    assert (first_adapted_block(12), first_adapted_block(3)) == (7, 1)
    assert len(adapter.up) == 2
    for parameter in adapter.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    images, encoder = batch_of(2).images, sam.sam.image_encoder
    terms: list[torch.Tensor] = []
    hooks = []
    for place, block in enumerate(encoder.blocks[1:]):

        def listen(_: object, normed: torch.Tensor, place: int = place) -> None:
            terms.append(adapter.up[place](adapter.norms[place](adapter.down(normed))))

        hooks.append(block.norm1.register_forward_hook(lambda m, i, out, f=listen: f(m, out)))
        # what comes into norm2 is tokens and attention: the term is added there
        hooks.append(block.norm2.register_forward_pre_hook(lambda m, i: (i[0] + terms[-1],)))
        # and to the residual, by what leaves the block
        hooks.append(block.register_forward_hook(lambda m, i, out: out + terms[-1]))
    with torch.no_grad():
        expected = encoder(images)
        for hook in hooks:
            hook.remove()
        torch.testing.assert_close(adapter.encode(sam, images).embedding, expected)


def test_bottlenecks_by_hand(sam: FrozenSam, batch_of: Callable[..., PromptedBatch]) -> None:
    adapter = BottleneckAdapter(sam, width=4)
    for parameter in adapter.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    images, encoder = batch_of(2).images, sam.sam.image_encoder
    with torch.no_grad():
        tokens = encoder.patch_embed(images) + encoder.pos_embed
        for down, block in zip(adapter.down, encoder.blocks, strict=True):
            tokens = block(tokens + adapter.up(torch.nn.functional.gelu(down(tokens))))
        expected = encoder.neck(tokens.permute(0, 3, 1, 2))
        torch.testing.assert_close(adapter.encode(sam, images).embedding, expected)


def test_prompts_of_the_nearest_keys_are_chosen(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    adapter = PromptPoolAdapter(sam, size=6, length=2, chosen=2)
    batch = batch_of(2)
    features = sam.encode(batch.images)
    query = features.embedding.mean(dim=(2, 3))
    expected = torch.cosine_similarity(query[:, None], adapter.keys[None], dim=2)
    torch.testing.assert_close(adapter.likeness(features), expected)
    best = expected.sort(dim=1, descending=True)
    torch.testing.assert_close(adapter.key_distance(features), (1 - best.values[:, :2]).mean())

    before = draw_masks(adapter, sam, batch)
    never = sorted(set(range(6)) - set(best.indices[:, :2].flatten().tolist()))
    with torch.no_grad():
        adapter.prompts[never] += 1
    assert draw_masks(adapter, sam, batch).equal(before)
    adapter.key_distance(features).backward()
    assert adapter.keys.grad is not None
    assert not adapter.keys.grad[never].any()
    assert PromptPoolAdapter(sam).prompts.shape == (40, 5, 16)
    with pytest.raises(ValueError, match="7 prompts of a pool of 6"):
        PromptPoolAdapter(sam, size=6, chosen=7)


@torch.no_grad()
def test_another_decoder_and_further_tokens_change_the_mask(
    sam: FrozenSam, stock_sam: Callable[[int], Sam], batch_of: Callable[..., PromptedBatch]
) -> None:
    batch, other = batch_of(1), stock_sam(1).mask_decoder
    features, prompts = sam.encode(batch.images), batch.asked[0].prompts
    own = decode_with(sam.sam.mask_decoder, sam, features, prompts)
    torch.testing.assert_close(own, sam.decode(features, prompts))
    assert not torch.allclose(decode_with(other, sam, features, prompts), own)
    box = prompts.embed(sam.sam.prompt_encoder).sparse
    twice = decode_with(sam.sam.mask_decoder, sam, features, prompts, box)
    assert not torch.allclose(twice, own)
