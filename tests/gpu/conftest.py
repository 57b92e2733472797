"""A device computes in whole 32 bits here, so that its values are the CPU's up to rounding."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def _no_shortened_factors() -> Iterator[None]:
    """Convolutions in TF32, which torch allows by itself, keep three digits."""
    places = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [place.allow_tf32 for place in places]
    for place in places:
        place.allow_tf32 = False
    yield
    for place, allowed in zip(places, before, strict=True):
        place.allow_tf32 = allowed
