"""The teacher assistant learns its classes from labelled pinhole photographs."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.losses import labelled_cross_entropy
from goodsam_pl.modules.base import SegmentationModule

__all__ = ["SourceSegmentation"]


class SourceSegmentation(SegmentationModule):
    """Supervised training on the source domain, by plain cross-entropy.

    Skipped where a network that knows the classes exists already, such as a released Cityscapes
    SegFormer. Tested on panoramas, it is the source-only baseline.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        taxonomy: name of the class set with K classes.
        learning_rate: 6e-5 is SegFormer's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: SegFormer warms up for 1,500 of 160,000 steps.
    """

    network_names = ("network",)

    def __init__(
        self,
        network: nn.Module,
        taxonomy: str = "cityscapes-19",
        learning_rate: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
    ) -> None:
        super().__init__(taxonomy, ("whole",), learning_rate, weight_decay, warmup_steps)
        self.remember_arguments("network")
        self.network = network
        self.check_networks()

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.network(images)
        return logits.float()

    def training_step(self, batch: SourceBatch, batch_idx: int) -> Tensor:
        """Cross-entropy over labelled pixels."""
        term = labelled_cross_entropy(self(batch.image), batch.label, self.taxonomy.ignore_index)
        return self.total({"cross_entropy": term}, {"cross_entropy": 1.0})

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The whole image at once."""
        yield "whole", self(batch.image)
