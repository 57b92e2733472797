"""Rare-class sampling: images with rare classes are drawn more often (DAFormer)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Dataset, DistributedSampler
from typing_extensions import override

from goodsam_pl.data.resuming import ReplayableSampler

__all__ = ["RareClassSampler", "rare_class_probabilities", "rare_class_weights"]


def rare_class_probabilities(
    pixels: Tensor, temperature: float, asked: Tensor | None = None
) -> Tensor:
    r"""How often each class is asked for.

    .. math:: P(c) \propto \exp\big((1 - f_c) / T\big), \quad f_c = n_c / \sum_k n_k

    Args:
        pixels: n_c, how many pixels of the data set have each class, ``(K,)``.
        temperature: T; the lower, the more often the rarest are asked for. DAFormer has 0.01.
        asked: bool ``(K,)``, classes that can be asked for; ``None`` is all that have a pixel.

    Returns:
        float64 ``(K,)``, of sum 1; 0 for classes without a pixel (our choice).

    Raises:
        ValueError: no class can be asked for.
    """
    counts = pixels.to(torch.float64)
    asked = counts > 0 if asked is None else asked & (counts > 0)
    if not bool(asked.any()):
        raise ValueError(
            "no image of the source has enough pixels of any class: check its label files, or "
            "lower data.rare_class_pixels"
        )
    rarity = (1 - counts / counts.sum()) / temperature
    return rarity.masked_fill(~asked, -torch.inf).softmax(dim=0)


def rare_class_weights(pixels: Tensor, temperature: float, least_pixels: int) -> Tensor:
    r"""How often each image is drawn, where a class is drawn first, then an image that has it.

    .. math:: w_i = \sum_c P(c) \, [n_{ic} \ge m] / \sum_j [n_{jc} \ge m]

    Args:
        pixels: n_ic, how many pixels of image i have class c, ``(N, K)``.
        temperature: of :func:`rare_class_probabilities`.
        least_pixels: m, from which on an image has a class. DAFormer has 3,000.

    Returns:
        float64 ``(N,)``, of sum 1.

    Raises:
        ValueError: no image has enough pixels of any class.
    """
    has = pixels >= max(least_pixels, 1)
    images = has.sum(dim=0)
    share = rare_class_probabilities(pixels.sum(dim=0), temperature, images > 0)
    weights: Tensor = (has * (share / images.clamp(min=1))).sum(dim=1)
    return weights


class _Weighted(DistributedSampler[int]):
    """Deals an order with repetitions to the processes; from the seed and the epoch alone."""

    weights: Tensor

    @override
    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.multinomial(self.weights, self.total_size, True, generator=generator)
        yield from drawn[self.rank :: self.num_replicas].tolist()


class RareClassSampler(ReplayableSampler, _Weighted):
    """Draws images by their weights, with replacement.

    Args:
        dataset: the samples.
        weights: of the images, ``(N,)``.
        processes: that share them.
        rank: this process.
    """

    def __init__(
        self, dataset: Dataset[object], weights: Tensor, processes: int, rank: int
    ) -> None:
        # the seed of `seed_everything`, under the name that Lightning keeps it
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        super().__init__(dataset, num_replicas=processes, rank=rank, seed=seed)
        self.weights = weights
