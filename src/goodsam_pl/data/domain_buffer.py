"""The few images of each domain that stay behind when the next one comes."""

from __future__ import annotations

from goodsam_pl.data.domains import Domain, domain_random
from goodsam_pl.data.masked_image import MaskedImage

__all__ = ["draw_buffer"]

_STREAM = 1
"""Beside the random numbers that split the domain."""


def draw_buffer(domain: Domain, count: int, seed: int) -> tuple[MaskedImage, ...]:
    """Draw training images to keep, by seed.

    Our choice: CoSAM keeps the first 10 paths of an unsorted listing of a folder of its own, which
    another disk may order otherwise. A larger buffer of the same seed holds the smaller one.

    Args:
        domain: whose images.
        count: how many, at least 1.
        seed: of the draw.

    Returns:
        In the order of the draw.

    Raises:
        ValueError: fewer training images than that.
    """
    if not 1 <= count <= len(domain.train):
        raise ValueError(
            f"a buffer of {count} images of domain {domain.name}, which has {len(domain.train)} "
            f"training images: choose from 1 to {len(domain.train)}"
        )
    order = domain_random(domain.name, seed, _STREAM).permutation(len(domain.train))
    return tuple(domain.train[place] for place in order[:count].tolist())
