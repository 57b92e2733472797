"""A street to look at."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.streetworld import SPLITS, View, make_city, view


@pytest.fixture(scope="session")
def street() -> View:
    """A held-out panorama of the target city, 192×1024."""
    return view(SPLITS["sam_test"][3], make_city("target"), "equirectangular")


@pytest.fixture(scope="session")
def street_image(street: View) -> Tensor:
    """The same as ``(3, 192, 1024)`` uint8."""
    return torch.from_numpy(street.image.copy()).permute(2, 0, 1).contiguous()
