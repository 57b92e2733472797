from __future__ import annotations

import pytest
import torch
from torch import nn

from goodsam_pl.networks import ViewAveraging

WIDTH = 24


def images(seed=0):
    return torch.randn(2, 3, 8, WIDTH, generator=torch.Generator().manual_seed(seed))


class Position(nn.Module):
    """Says of each column its own number, whatever it sees: class 0 grows to the right."""

    def forward(self, x):
        ramp = torch.linspace(-2, 2, x.shape[-1]).expand(len(x), x.shape[-2], -1)
        return torch.stack([ramp, torch.zeros_like(ramp)], dim=1)


@pytest.mark.parametrize("rolls", [1, 3, 5])
def test_a_circular_convolution_is_equivariant_so_that_rolls_change_nothing(rolls):
    torch.manual_seed(0)
    circular = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular").requires_grad_(False)
    averaged = ViewAveraging(circular, rolls, mirror=False)(images())
    torch.testing.assert_close(averaged, circular(images()).log_softmax(1))


def test_a_symmetric_one_is_equivariant_to_the_mirror_too():
    torch.manual_seed(0)
    circular = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular").requires_grad_(False)
    circular.weight.copy_((circular.weight + circular.weight.flip(-1)) / 2)
    averaged = ViewAveraging(circular, rolls=4)(images())
    torch.testing.assert_close(averaged, circular(images()).log_softmax(1))


def test_zero_padding_is_not_equivariant():
    torch.manual_seed(0)
    padded = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
    averaged = ViewAveraging(padded, rolls=4)(images())
    assert not torch.allclose(averaged, padded(images()).log_softmax(1), atol=1e-3)


def test_averages_are_of_probabilities_in_the_place_they_belong_to():
    """Of two rolls by half the circle, column u is seen at u and at u + W/2."""
    x = images()
    plain = Position()(x).softmax(1)
    expected = (plain + plain.roll(WIDTH // 2, dims=-1)) / 2
    averaged = ViewAveraging(Position(), rolls=2, mirror=False)(x)
    torch.testing.assert_close(averaged.exp(), expected)
    both = (expected + (plain.flip(-1) + plain.flip(-1).roll(WIDTH // 2, dims=-1)) / 2) / 2
    torch.testing.assert_close(ViewAveraging(Position(), rolls=2)(x).exp(), both)


def test_every_column_alike_for_as_many_rolls_as_columns():
    """A bias of place averages out to the mean over all places, by hand."""
    averaged = ViewAveraging(Position(), rolls=WIDTH, mirror=False)(images()).exp()
    mean = torch.linspace(-2, 2, WIDTH).sigmoid().mean()
    torch.testing.assert_close(averaged[:, 0], mean.expand(2, 8, WIDTH))


def test_scales_are_averaged_at_the_size_of_the_images():
    sizes = []

    def network(x):
        sizes.append(tuple(x.shape[-2:]))
        constant = torch.tensor([float(x.shape[-1] == WIDTH), 0.0])
        return constant[None, :, None, None].expand(len(x), 2, *x.shape[-2:])

    averaged = ViewAveraging(network, rolls=1, mirror=False, scales=(0.5, 1.0, 1.75))(images())
    assert sizes == [(4, 12), (8, 24), (14, 42)]
    one = torch.tensor(1.0).sigmoid()
    torch.testing.assert_close(averaged.exp()[:, 0], ((2 * 0.5 + one) / 3).expand(2, 8, WIDTH))


def test_certainty_gives_finite_logits():
    averaged = ViewAveraging(lambda x: 1e4 * Position()(x))(images())
    assert averaged.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rolls": 0}, "rolls is 0"),
        ({"scales": ()}, r"scales \[\]"),
        ({"scales": (0.0,)}, "scales"),
    ],
)
def test_arguments_that_make_no_view_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ViewAveraging(Position(), **arguments)
