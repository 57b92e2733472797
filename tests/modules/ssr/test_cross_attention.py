"""The attention against numpy, one head at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.modules.ssr.cross_attention import CrossAttention


def by_hand(layer: CrossAttention, asking: np.ndarray, tokens: np.ndarray) -> tuple:
    """Output and shares, head by head, for one image."""
    weights = {name: each.detach().double().numpy() for name, each in layer.named_parameters()}
    channels = asking.shape[1]
    width = channels // layer.heads
    queries = asking @ weights["queries.weight"].T
    both = tokens @ weights["keys_and_values.weight"].T
    keys, values = both[:, :channels], both[:, channels:]
    found, shares = [], []
    for head in range(layer.heads):
        own = slice(head * width, (head + 1) * width)
        scores = np.exp(queries[:, own] @ keys[:, own].T / np.sqrt(width))
        shares.append(scores / scores.sum(1, keepdims=True))
        found.append(shares[-1] @ values[:, own])
    output = np.concatenate(found, 1) @ weights["output.weight"].T + weights["output.bias"]
    return output, np.stack(shares)


@pytest.mark.parametrize("heads", [1, 2, 5])
def test_it_is_attention_as_it_is_written_down(heads: int) -> None:
    torch.manual_seed(heads)
    layer = CrossAttention(20, heads)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    asking, tokens = torch.randn(2, 7, 20), torch.randn(2, 9, 20)
    with torch.no_grad():
        output, shares = layer(asking, tokens), layer.shares(asking, tokens)
    for index in range(2):
        expected, share = by_hand(layer, asking[index].numpy(), tokens[index].numpy())
        np.testing.assert_allclose(output[index].numpy(), expected, rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose(shares[index].numpy(), share, atol=1e-6)


def test_it_has_three_biasless_matrices_and_an_output_with_a_bias() -> None:
    shapes = {name: tuple(each.shape) for name, each in CrossAttention(8, 2).named_parameters()}
    assert shapes == {
        "queries.weight": (8, 8),
        "keys_and_values.weight": (16, 8),
        "output.weight": (8, 8),
        "output.bias": (8,),
    }


def test_the_order_of_tokens_tells_nothing() -> None:
    torch.manual_seed(0)
    layer, asking, tokens = CrossAttention(8, 2), torch.randn(1, 3, 8), torch.randn(1, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(layer(asking, tokens.flip(1)), layer(asking, tokens))
