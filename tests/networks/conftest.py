"""Checkpoints as our trainings leave them, of networks alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.networks import CARD, NetworkCard
from goodsam_pl.taxonomy import get_taxonomy


@pytest.fixture
def save_checkpoint() -> Callable[..., None]:
    """Write state dicts of networks by name, the one that the training was for first."""

    def save(path: Path, **networks: Mapping[str, Tensor]) -> None:
        card = NetworkCard(
            networks=dict.fromkeys(networks),
            taxonomy=get_taxonomy("cityscapes-19").to_dict(),
            taxonomy_name="cityscapes-19",
            view=None,
            normalization=NORMALIZATION,
        )
        state = {
            f"{name}.{key}": tensor
            for name, each in networks.items()
            for key, tensor in each.items()
        }
        state["metrics.whole.confusion"] = torch.zeros(2, 2)
        torch.save({"state_dict": state, CARD: card.to_dict()}, path)

    return save
