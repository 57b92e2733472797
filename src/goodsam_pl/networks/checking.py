"""Whether a network says as many classes as it should, before anything long begins."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from goodsam_pl.networks.modes import evaluating
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["check_logits"]

_SIZE = (64, 128)  # multiples of every stride that is usual


@torch.no_grad()
def check_logits(network: nn.Module, taxonomy: Taxonomy, role: str) -> None:
    """Show a network one small grey image, and look at what it answers.

    The network stays as it was: it is asked in evaluation mode, and no random number is drawn from
    the generator that training uses. One that cannot look at so small an image, because it is built
    for one size, is not judged.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        taxonomy: of K classes.
        role: what the configuration calls the network.

    Raises:
        TypeError: its answer is no tensor.
        ValueError: the logits are not one for each class and pixel.
    """
    like = next(network.parameters(), torch.empty(0))
    image = torch.zeros((1, 3, *_SIZE), device=like.device, dtype=like.dtype)
    try:
        with torch.random.fork_rng(devices=[]), evaluating(network):
            answer = network(image)
    except (AssertionError, RuntimeError, ValueError):
        return
    kind = type(network).__name__
    if not isinstance(answer, Tensor):
        raise TypeError(
            f"{role}: {kind} returns a {type(answer).__name__}, not logits (B, K, H, W): wrap it "
            "in goodsam_pl.networks.CustomNetwork, which takes the entry 'out' of a dictionary"
        )
    classes = len(taxonomy.classes)
    if answer.ndim != 4 or answer.shape[1] != classes:
        found = answer.shape[1] if answer.ndim == 4 else f"a shape of {tuple(answer.shape)}"
        raise ValueError(
            f"{role}: {kind} gives {found} logits for each pixel, but {taxonomy.name} has "
            f"{classes} classes: build it with {classes} (classes of its init_args), or name the "
            "taxonomy that it knows (data.init_args.taxonomy)"
        )
    if answer.shape[-2:] != _SIZE:
        height, width = answer.shape[-2:]
        raise ValueError(
            f"{role}: {kind} gives logits of {height}×{width} for an image of "
            f"{_SIZE[0]}×{_SIZE[1]}: wrap it in goodsam_pl.networks.CustomNetwork, which enlarges "
            "them"
        )
