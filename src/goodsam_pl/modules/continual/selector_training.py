"""A selector learns from a few images of each domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["SelectorTraining", "train_selector"]


@dataclass(frozen=True)
class SelectorTraining:
    """How a selector learns. The defaults are MoDA's; SAMCL has SGD, 0.01 and 25 epochs.

    Attributes:
        optimizer: ``adam`` or ``sgd``.
        learning_rate: of it.
        epochs: over all kept images.
        batch_size: images of a step. The last ones of an epoch make a smaller batch, and the order
            is drawn anew in each (ours: the release drops the same images in each).
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 1e-3
    epochs: int = 10
    batch_size: int = 4


def train_selector(
    selector: DomainSelector,
    sam: FrozenSam,
    buffers: Sequence[PromptedBatch],
    training: SelectorTraining,
    generator: Generator,
) -> float:
    """Begin anew and learn which domain an image is of, by cross-entropy.

    A query that does not learn is asked once for each image, not in each epoch.

    Args:
        selector: in place.
        sam: frozen, on the device that the selector is on.
        buffers: of each domain in their order, the kept images; their masks are not asked for.
        training: how.
        generator: of the CPU.

    Returns:
        The share of kept images that go to their domain afterwards.

    Raises:
        ValueError: fewer than two domains.
    """
    if len(buffers) < 2:
        raise ValueError(f"a selector chooses between domains, of {len(buffers)}: give two or more")
    selector.renew(len(buffers), generator)
    selector.train()
    device = selector.keys.device
    domains = torch.cat(
        [torch.full((len(batch),), place) for place, batch in enumerate(buffers)]
    ).to(device)
    kept = None if selector.query.learns else _queries(selector, sam, buffers, training.batch_size)

    def logits_of(rows: Tensor) -> Tensor:
        if kept is not None:
            return selector.choose(kept[rows])
        logits: Tensor = selector(sam, _images(buffers, rows).to(device), None)
        return logits

    optimizer = _optimizer(selector, training)
    for _ in range(training.epochs):
        order = torch.randperm(len(domains), generator=generator).to(device)
        for rows in order.split(training.batch_size):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(logits_of(rows), domains[rows]).backward()
            optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    selector.eval()
    with torch.no_grad():
        rows = torch.arange(len(domains), device=device)
        chosen = torch.cat([logits_of(some).argmax(1) for some in rows.split(training.batch_size)])
    return float((chosen == domains).float().mean())


@torch.no_grad()
def _queries(
    selector: DomainSelector, sam: FrozenSam, buffers: Sequence[PromptedBatch], together: int
) -> Tensor:
    device = selector.keys.device
    parts = []
    for batch in buffers:
        for rows in torch.arange(len(batch)).split(together):
            some = batch.take(rows.to(batch.images.device)).to(device)
            parts.append(some.queries(selector.query, sam))
    return torch.cat(parts)


def _images(buffers: Sequence[PromptedBatch], rows: Tensor) -> Tensor:
    """Images by their place among all kept ones."""
    counts = [len(batch) for batch in buffers]
    images = []
    for row in rows.tolist():
        place = row
        for batch, count in zip(buffers, counts, strict=True):
            if place < count:
                images.append(batch.images[place])
                break
            place -= count
    return torch.stack(images)


def _optimizer(selector: DomainSelector, training: SelectorTraining) -> torch.optim.Optimizer:
    learned = [parameter for parameter in selector.parameters() if parameter.requires_grad]
    if training.optimizer == "sgd":
        return torch.optim.SGD(learned, lr=training.learning_rate)
    return torch.optim.Adam(learned, lr=training.learning_rate)
