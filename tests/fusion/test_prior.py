"""What is left of probabilities without the classes' frequency: closed forms and symmetries."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion.prior import log_prior, without_prior


def _softmax(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(3, 4, 8, 16, generator=generator)).softmax(dim=1)


def test_the_prior_is_a_power_of_the_mean() -> None:
    softmax = _softmax()
    prior = log_prior(softmax, 0.4)
    assert prior.dtype == torch.float64
    torch.testing.assert_close(prior, 0.4 * softmax.double().mean((2, 3)).log(), atol=1e-4, rtol=0)


def test_a_class_that_is_not_there_is_not_lifted_without_end() -> None:
    nothing = torch.zeros(1, 3, 4, 4)
    nothing[:, 0] = 1
    torch.testing.assert_close(
        log_prior(nothing, 0.5),
        torch.tensor([[0.0, 0.5, 0.5]], dtype=torch.float64) * torch.tensor(1e-4).double().log(),
    )


@pytest.mark.parametrize("power", [0.2, 1.0])
def test_odds_of_two_classes_change_by_their_frequencies(power: float) -> None:
    softmax = _softmax(1)
    lifted = without_prior(softmax, log_prior(softmax, power))
    shares = softmax.mean((2, 3), keepdim=True)
    torch.testing.assert_close(lifted.sum(1), torch.ones(3, 8, 16))
    torch.testing.assert_close(
        lifted[:, 0] / lifted[:, 2],
        softmax[:, 0] / softmax[:, 2] * (shares[:, 2] / shares[:, 0]) ** power,
        rtol=1e-3,
        atol=0,
    )


def test_classes_that_are_alike_frequent_stay_as_they_are() -> None:
    softmax = torch.eye(4).expand(1, 2, 4, 4).transpose(1, 3).reshape(1, 4, 4, 2) * 0.6 + 0.1
    lifted = without_prior(softmax, log_prior(softmax, 0.7))
    torch.testing.assert_close(lifted, softmax)


def test_a_turned_panorama_has_the_same_prior_to_the_bit() -> None:
    softmax = _softmax(2)
    turned = softmax.roll(5, dims=-1)
    assert torch.equal(log_prior(softmax, 0.3), log_prior(turned, 0.3))


def test_half_precision_stays_what_it_is() -> None:
    softmax = _softmax(3)
    lifted = without_prior(softmax.half(), log_prior(softmax.half(), 0.3))
    assert lifted.dtype == torch.float16
    torch.testing.assert_close(
        lifted.float(), without_prior(softmax, log_prior(softmax, 0.3)), atol=2e-3, rtol=0
    )
