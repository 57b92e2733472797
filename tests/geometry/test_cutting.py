"""Cutting and adding up: values by indices, gradients by finite differences and by adjointness."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.geometry.cutting import Cut, add_up, cut_out, put_back

CUTS = [
    Cut((4, 12), (4, 5), (0,), (0, 4, 8)),  # the last goes on at the left border
    Cut((6, 12), (4, 6), (0, 2), (0, 3, 6, 9)),
    Cut((4, 6), (4, 6), (0,), (0,)),
]


@pytest.mark.parametrize("cut", CUTS)
def test_windows_hold_the_pixels_of_their_place(cut: Cut) -> None:
    (height, width), (tall, wide) = cut.window_size, cut.image_size
    images = torch.arange(2 * 3 * tall * wide).view(2, 3, tall, wide)
    windows = cut_out(images, cut)
    corners = [(top, left) for top in cut.rows for left in cut.columns]
    for index, (top, left) in enumerate(corners):
        rows = torch.arange(top, top + height)
        columns = torch.arange(left, left + width) % wide
        assert torch.equal(windows[:, index], images[:, :, rows][..., columns])


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("channels", [(), (3,), (3, 2)])
def test_what_was_cut_out_is_put_back(cut: Cut, channels: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (2, *channels, *cut.image_size)
    images = torch.randint(-1, 9, shape, generator=generator).short()
    assert torch.equal(put_back(cut_out(images, cut), cut), images)


@pytest.mark.parametrize("cut", CUTS)
def test_one_is_the_adjoint_of_the_other(cut: Cut) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, *cut.image_size, generator=generator, dtype=torch.float64)
    windows = cut_out(images, cut)
    others = torch.randn(windows.shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close((windows * others).sum(), (images * add_up(others, cut)).sum())


@pytest.mark.parametrize("cut", CUTS)
def test_gradients_agree_with_finite_differences(cut: Cut) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, 2, *cut.image_size, generator=generator, dtype=torch.float64)
    windows = cut_out(images, cut)
    assert torch.autograd.gradcheck(lambda x: cut_out(x, cut), images.requires_grad_())
    assert torch.autograd.gradcheck(lambda x: add_up(x, cut), windows.detach().requires_grad_())
