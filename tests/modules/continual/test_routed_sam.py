"""Routing: each image to its adapter, or to plain SAM to the bit; a pool that stays; its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from segment_anything.modeling import Sam

from goodsam_pl.modules.continual import (
    AdapterRecipe,
    PooledQuery,
    PromptedBatch,
    RoutedSam,
    SelectorTraining,
    TokenQuery,
    load_routed,
    save_routed,
)
from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.domain_query import DomainQuery
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.prompted_batch import draw_masks
from goodsam_pl.modules.continual.selector_training import train_selector
from goodsam_pl.sam.frozen_sam import FrozenSam

BRIGHTNESS = {"dark": -1.0, "grey": 0.0, "bright": 1.0}


def routed(
    sam: FrozenSam,
    batch_of: Callable[..., PromptedBatch],
    kind: str = "hq",
    query: DomainQuery | None = None,
    least_confidence: float = 0.0,
    epochs: int = 15,
) -> RoutedSam:
    """Three domains whose adapters say different things, and a selector that tells them apart."""
    pool = AdapterPool(AdapterRecipe(kind))  # type: ignore[arg-type]
    for place, name in enumerate(BRIGHTNESS):
        adapter = pool.add(name, sam, place)
        with torch.no_grad():
            for parameter in adapter.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
    selector = DomainSelector(query or PooledQuery(sam.shape), least_confidence)
    buffers = [batch_of(4, brightness) for brightness in BRIGHTNESS.values()]
    training = SelectorTraining(learning_rate=0.02, epochs=epochs)
    train_selector(selector, sam, buffers, training, torch.Generator().manual_seed(0))
    return RoutedSam(sam, pool, selector)


@pytest.mark.parametrize("kind", ["hq", "low_rank"])
def test_each_image_is_drawn_by_the_adapter_of_its_domain(
    kind: str, sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    parts = [batch_of(2, brightness, seed=7) for brightness in BRIGHTNESS.values()]
    mixed = PromptedBatch.joined(parts)
    order = torch.tensor([5, 0, 2, 3, 1, 4])
    whole = routed(sam, batch_of, kind)
    answer = whole(mixed.take(order))
    assert answer.route.domains.tolist() == [2, 0, 1, 1, 0, 2]
    expected = torch.cat(
        [draw_masks(whole.pool[place], sam, part) for place, part in enumerate(parts)]
    )
    torch.testing.assert_close(answer.logits, expected[order].detach())
    plain = draw_masks(None, sam, mixed)[order]
    assert not torch.isclose(answer.logits, plain).flatten(1).all(dim=1).any()


def test_below_the_confidence_masks_are_plain_sam_s_to_the_bit(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    whole = routed(sam, batch_of)
    levels = [batch_of(2, brightness, seed=7) for brightness in (-1.0, -0.5, 0.2, 1.0)]
    batch = PromptedBatch.joined(levels)
    sure = whole(batch).route.confidence
    whole.selector.least_confidence = float(sure.median()) + 1e-6
    answer = whole(batch)
    unsure = answer.route.domains < 0
    assert unsure.tolist() == (sure < whole.selector.least_confidence).tolist()
    assert 0 < unsure.sum() < len(batch)
    plain = draw_masks(None, sam, batch)
    assert answer.logits[unsure].equal(plain[unsure])
    assert not answer.logits[~unsure].isclose(plain[~unsure]).all()


def test_members_of_a_pool_are_frozen_when_the_next_one_comes(sam: FrozenSam) -> None:
    pool = AdapterPool(AdapterRecipe("hq"))
    first = pool.add("a", sam, 0)
    assert all(parameter.requires_grad for parameter in first.parameters())
    second = pool.add("b", sam, 1)
    assert not any(parameter.requires_grad for parameter in first.parameters())
    assert all(parameter.requires_grad for parameter in second.parameters())
    assert len(pool) == 2
    with pytest.raises(ValueError, match="'a' is there already"):
        pool.add("a", sam, 2)


def test_an_adapter_is_the_same_by_its_seed_and_draws_nothing_of_others(sam: FrozenSam) -> None:
    before = torch.get_rng_state()
    made = [AdapterRecipe("low_rank").make(sam, seed).state_dict() for seed in (0, 0, 1)]
    assert torch.get_rng_state().equal(before)
    assert made[0]["down.weight"].equal(made[1]["down.weight"])
    assert not made[0]["down.weight"].equal(made[2]["down.weight"])
    with pytest.raises(ValueError, match="'words': choose of hq, bottleneck"):
        AdapterRecipe("words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"adapter hq with \{'rank': 3\}"):
        AdapterRecipe("hq", {"rank": 3}).make(sam, 0)


@pytest.mark.parametrize("kind", ["hq", "decoder", "low_rank", "bottleneck"])
def test_a_file_brings_adapters_and_selector_back(
    kind: str, sam: FrozenSam, batch_of: Callable[..., PromptedBatch], tmp_path: Path
) -> None:
    query = TokenQuery(sam.shape, 3) if kind == "hq" else None
    whole = routed(sam, batch_of, kind, query, least_confidence=0.4, epochs=2)
    path = tmp_path / "pool.safetensors"
    save_routed(whole, path)
    again = load_routed(path, sam)
    batch = PromptedBatch.joined([batch_of(2, level, seed=7) for level in BRIGHTNESS.values()])
    first, second = whole(batch), again(batch)
    assert first.logits.equal(second.logits)
    assert first.route.domains.equal(second.route.domains)
    assert again.pool.names == list(BRIGHTNESS)
    assert again.selector.least_confidence == 0.4
    assert not any(parameter.requires_grad for parameter in again.parameters())


def test_adapters_of_another_sam_are_refused_by_name(
    sam: FrozenSam,
    stock_sam: Callable[[int], Sam],
    batch_of: Callable[..., PromptedBatch],
    tmp_path: Path,
) -> None:
    path = tmp_path / "pool.safetensors"
    save_routed(routed(sam, batch_of), path)
    other = FrozenSam(stock_sam(1), "other")
    message = (
        rf"pool.safetensors is of the SAM 'stock' \({sam.fingerprint[:8]}\), this one is 'other'"
    )
    with pytest.raises(ValueError, match=message):
        load_routed(path, other)
    content = bytearray(path.read_bytes())
    content[-4] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"damaged \(its tensors are not those that were written"):
        load_routed(path, sam)
    path.write_bytes(bytes(content[:-50]))
    with pytest.raises(ValueError, match="no readable file of adapters"):
        load_routed(path, sam)
    with pytest.raises(FileNotFoundError, match="no adapters at"):
        load_routed(tmp_path / "none.safetensors", sam)


def test_a_file_that_claims_more_than_it_holds_is_refused(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch], tmp_path: Path
) -> None:
    path = tmp_path / "pool.safetensors"
    whole = routed(sam, batch_of, "low_rank")
    whole.pool.recipe = AdapterRecipe("low_rank", {"rank": 10**12})  # would never fit into memory
    save_routed(whole, path)
    with pytest.raises(ValueError, match=r"damaged \(down.weight is \(10, 32\), not"):
        load_routed(path, sam)
    whole.pool.recipe = AdapterRecipe("low_rank")
    whole.pool.names.append("a fourth")
    save_routed(whole, path)
    with pytest.raises(ValueError, match=r"damaged .*members\.3"):
        load_routed(path, sam)


def test_a_task_that_has_not_ended_is_told(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    whole = routed(sam, batch_of)
    whole.pool.add("fourth", sam, 3)
    with pytest.raises(ValueError, match="4 domains were learned and the selector chooses from 3"):
        whole(batch_of(1))
    empty = RoutedSam(sam, AdapterPool(AdapterRecipe()), DomainSelector(PooledQuery(sam.shape)))
    with pytest.raises(ValueError, match="0 domains were learned"):
        empty(batch_of(1))
