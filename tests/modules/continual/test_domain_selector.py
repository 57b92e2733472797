"""Queries, and a selector that learns from them; it is as the release where that is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from goodsam_pl.modules.continual.domain_query import DomainQuery, PooledQuery, TokenQuery
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.modules.continual.selector_training import SelectorTraining, train_selector
from goodsam_pl.sam.frozen_sam import FrozenSam

BRIGHTNESS = (-1.0, 0.0, 1.0)


def seed(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


QUERIES: dict[str, Callable[[FrozenSam], DomainQuery]] = {
    "tokens": lambda sam: TokenQuery(sam.shape, 4),
    "released": lambda sam: TokenQuery(sam.shape, 4, train_tokens=False),
    "pooled": lambda sam: PooledQuery(sam.shape),
}


@pytest.mark.parametrize("kind", QUERIES)
def test_it_learns_to_tell_domains_and_grows(
    kind: str, sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    selector = DomainSelector(QUERIES[kind](sam))
    buffers = [batch_of(4, brightness) for brightness in BRIGHTNESS]
    training = SelectorTraining(learning_rate=0.02, epochs=12)
    for domains in (2, 3):
        found = train_selector(selector, sam, buffers[:domains], training, seed(0))
        assert found == 1
        assert selector.keys.shape == (domains, 32)
    assert selector.query.learns == (kind == "tokens")
    for place, brightness in enumerate(BRIGHTNESS):
        unseen = batch_of(3, brightness, seed=9)
        route = selector.route(sam, unseen)
        assert route.domains.tolist() == [place] * 3
        probabilities = selector(sam, unseen.images, None).softmax(dim=1)
        torch.testing.assert_close(route.confidence, probabilities[:, place])


def test_tokens_move_only_where_they_are_to_learn(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    for train_tokens in (True, False):
        query = TokenQuery(sam.shape, 4, train_tokens)
        query.renew(seed(3))
        drawn = query.tokens.detach().clone()
        assert 0.7 < drawn.std() < 1.3
        selector = DomainSelector(query)
        training = SelectorTraining(epochs=1)
        train_selector(selector, sam, [batch_of(2), batch_of(2, 1.0)], training, seed(3))
        assert query.tokens.equal(drawn) != train_tokens


def test_training_is_the_same_by_the_same_seed(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    weights = []
    for number in (0, 0, 1):
        selector = DomainSelector(PooledQuery(sam.shape))
        buffers = [batch_of(3), batch_of(3, 1.0)]
        train_selector(selector, sam, buffers, SelectorTraining("sgd", 0.01, 3), seed(number))
        weights.append(selector.keys.detach().clone())
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_one_domain_needs_no_choice_and_an_unsure_image_has_none(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    batch = batch_of(2)
    selector = DomainSelector(PooledQuery(sam.shape), least_confidence=1)
    assert selector.route(sam, batch).domains.tolist() == [0, 0]
    selector.renew(2, seed(0))
    assert selector.route(sam, batch).domains.tolist() == [-1, -1]
    with pytest.raises(ValueError, match="least_confidence is 2"):
        DomainSelector(PooledQuery(sam.shape), 2)
    with pytest.raises(ValueError, match="of 1: give two or more"):
        train_selector(selector, sam, [batch_of(2)], SelectorTraining(), seed(0))


def test_pooled_queries_are_means_after_a_block(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    images, encoder = batch_of(2).images, sam.sam.image_encoder
    with torch.no_grad():
        first = encoder.blocks[0](encoder.patch_embed(images) + encoder.pos_embed)
    query = PooledQuery(sam.shape)
    assert query.block == 0
    torch.testing.assert_close(query(sam, images, None), first.mean(dim=(1, 2)))
    assert query(sam, images, sam.encode(images)).equal(query(sam, images, None))
    with pytest.raises(ValueError, match="block 3 of 3"):
        PooledQuery(sam.shape, 3)
    with pytest.raises(ValueError, match="0 tokens"):
        TokenQuery(sam.shape, 0)
