"""A device computes in whole 32 bits here, so that its values are the CPU's up to rounding."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _no_shortened_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions in TF32, which torch allows by itself, keep three digits."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)
