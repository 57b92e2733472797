"""Cutting windows out of images and adding them up again: each is the other's gradient.

Left to autograd, every window's slice brings a gradient as large as the whole image; as a pair of
adjoint linear maps, both directions touch each pixel of a window once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

__all__ = ["Cut", "add_up", "cut_out", "put_back"]


class Cut(NamedTuple):
    """Where windows lie; see :class:`goodsam_pl.geometry.WindowGrid`.

    Attributes:
        image_size: height and width of the images, pixels.
        window_size: height and width of a window, pixels.
        rows: top edges, pixels.
        columns: left edges, pixels; a window goes on at the left border.
    """

    image_size: tuple[int, int]
    window_size: tuple[int, int]
    rows: Sequence[int]
    columns: Sequence[int]


def cut_out(images: Tensor, cut: Cut) -> Tensor:
    """Images ``(B, ..., H, W)`` to windows ``(B, N, ..., h, w)``, any dtype."""
    return cast("Tensor", _CutOut.apply(images, cut))


def add_up(windows: Tensor, cut: Cut) -> Tensor:
    """Windows ``(B, N, ..., h, w)`` to sums ``(B, ..., H, W)``."""
    return cast("Tensor", _AddUp.apply(windows, cut))


def put_back(windows: Tensor, cut: Cut) -> Tensor:
    """Windows ``(B, N, ..., h, w)`` that were cut out, back to images ``(B, ..., H, W)``.

    Any dtype; of windows that overlap one counts, for they say the same.
    """
    (height, width), (image_height, image_width) = cut.window_size, cut.image_size
    images = windows.new_empty((windows.shape[0], *windows.shape[2:-2], image_height, image_width))
    corners = [(top, left) for top in cut.rows for left in cut.columns]
    for index, (top, left) in enumerate(corners):
        rows, before_seam = slice(top, top + height), min(width, image_width - left)
        images[..., rows, left : left + before_seam] = windows[:, index, ..., :before_seam]
        images[..., rows, : width - before_seam] = windows[:, index, ..., before_seam:]
    return images


class _CutOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, cut: Cut) -> Tensor:
        ctx.cut = cut
        height, width = cut.window_size
        overhang = max(cut.columns) + width - cut.image_size[1]
        if overhang > 0:
            images = torch.cat([images, images[..., :overhang]], dim=-1)
        parts = [
            images[..., top : top + height, left : left + width]
            for top in cut.rows
            for left in cut.columns
        ]
        return torch.stack(parts, dim=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return add_up(gradient, ctx.cut), None


class _AddUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, windows: Tensor, cut: Cut) -> Tensor:
        ctx.cut = cut
        (height, width), (image_height, image_width) = cut.window_size, cut.image_size
        sums = windows.new_zeros(
            (windows.shape[0], *windows.shape[2:-2], image_height, 2 * image_width)
        )
        corners = [(top, left) for top in cut.rows for left in cut.columns]
        for index, (top, left) in enumerate(corners):
            sums[..., top : top + height, left : left + width] += windows[:, index]
        return sums[..., :image_width] + sums[..., image_width:]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return cut_out(gradient, ctx.cut), None
