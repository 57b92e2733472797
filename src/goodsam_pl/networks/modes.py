"""In which mode networks are, and what asking them leaves behind.

Layers such as dropout and batch normalisation do other things in training than in evaluation mode.
Who builds a network leaves it in either: a released one comes in evaluation mode, and Lightning
trains it as it came. So it is decided here, in one place: what trains is in training mode, what is
frozen in evaluation mode.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from goodsam_pl.networks.frozen import FrozenNetwork

__all__ = ["begin_training", "evaluating", "keeping_statistics"]


def begin_training(module: nn.Module) -> None:
    """Put all that trains into training mode, and all that is frozen into evaluation mode.

    A part that is to stay in evaluation mode though the rest trains, such as the batch
    normalisation of a backbone, says so by a ``train`` of its own, as a
    :class:`~goodsam_pl.networks.FrozenNetwork` does. Lightning warns of such parts when a training
    begins; of frozen networks it need not.

    Args:
        module: what is trained, a LightningModule.
    """
    module.train()
    networks = [each for each in module.modules() if isinstance(each, FrozenNetwork)]
    if frozen := len({part for network in networks for part in network.modules()}):
        warning = rf"Found {frozen} module\(s\) in eval mode at the start of training"
        warnings.filterwarnings("ignore", message=warning)


@contextmanager
def evaluating(network: object) -> Iterator[None]:
    """Have a network in evaluation mode; then each of its parts is in its own mode again.

    Args:
        network: anything else than an ``nn.Module`` has no mode and is left alone.
    """
    if not isinstance(network, nn.Module):
        yield
        return
    modes = [(part, part.training) for part in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def keeping_statistics(network: object) -> Iterator[None]:
    """Have a network answer in the mode that it is in, and learn nothing from what it sees.

    In training mode batch normalisation takes the statistics of the batch and learns its running
    ones from them. Here it still takes those of the batch and leaves the running ones alone, and so
    do layers that keep anything else in buffers.

    Args:
        network: anything else than an ``nn.Module`` keeps none.
    """
    parts = list(network.modules()) if isinstance(network, nn.Module) else []
    training = [part for part in parts if part.training]
    normalising = {
        part for part in training if isinstance(part, _BatchNorm) and part.track_running_stats
    }
    # not through the tensors themselves, which autograd has taken down for a backward to come
    kept = [
        (buffer.data, buffer.clone())
        for part in training
        if part not in normalising
        for buffer in part.buffers(recurse=False)
    ]
    try:
        for part in normalising:
            part.track_running_stats = False
        yield
    finally:
        for part in normalising:
            part.track_running_stats = True
        _put_back(kept)


def _put_back(kept: list[tuple[Tensor, Tensor]]) -> None:
    for buffer, before in kept:
        buffer.copy_(before)
