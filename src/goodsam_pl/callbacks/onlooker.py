"""Look at networks amid their training, and leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning.pytorch.utilities.seed import isolate_rng
from torch import nn

from goodsam_pl.networks import evaluating

__all__ = ["looking_on"]


@contextmanager
def looking_on(module: nn.Module) -> Iterator[None]:
    """Ask networks in evaluation mode, without gradients; then all is as it was.

    The mode of each layer comes back, frozen ones among trained ones, and so do the random states
    of Python, NumPy and torch: a training goes on to the bit as if nobody had looked. Buffers do
    not change, as layers leave their running means alone in evaluation mode.

    Args:
        module: all that is asked, e.g. a LightningModule.
    """
    with isolate_rng(), torch.no_grad(), evaluating(module):
        yield
