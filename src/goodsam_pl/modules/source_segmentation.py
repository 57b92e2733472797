"""A network learns classes from labelled images, whoever labelled them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.losses import labelled_cross_entropy
from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.schedule import is_of_head, sgd

__all__ = ["SourceSegmentation"]

_BIASES = 2.0
"""The head's biases learn so many times as fast as its weights, in DeepLab's recipe."""


class SourceSegmentation(SegmentationModule):
    """Supervised training by plain cross-entropy: on photographs, or on panoramas with labels.

    Of the teacher assistant on the source domain it is skipped where a network that knows the
    classes exists already, such as a released Cityscapes SegFormer. Tested on panoramas, it is the
    source-only baseline. On labels from words it is the segmenter that these are made for.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        taxonomy: name of the class set with K classes.
        learning_rate: 6e-5 is SegFormer's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: SegFormer warms up for 1,500 of 160,000 steps.
        optimizer: SegFormer's AdamW, or DeepLab's SGD (:func:`goodsam_pl.modules.schedule.sgd`).
        head_learning_rate_scale: the learning rate of decoder and head, in parts of the encoder's;
            under SGD the head's biases have twice that, as DeepLab has it.
    """

    network_names = ("network",)

    def __init__(
        self,
        network: nn.Module,
        taxonomy: str = "cityscapes-19",
        learning_rate: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
        optimizer: Literal["adamw", "sgd"] = "adamw",
        head_learning_rate_scale: float = 1.0,
    ) -> None:
        super().__init__(taxonomy, ("whole",), learning_rate, weight_decay, warmup_steps)
        self.remember_arguments("network")
        self.network = network
        self.optimizer = optimizer
        self.head_learning_rate_scale = head_learning_rate_scale
        self.check_networks()

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.network(images)
        return logits.float()

    def training_step(self, batch: PanoramaBatch | SourceBatch, batch_idx: int) -> Tensor:
        """Cross-entropy over labelled pixels.

        Raises:
            ValueError: panoramas without labels.
        """
        label = batch.label
        if label is None:
            raise ValueError(
                f"{batch.names[0]} has no label to learn from: set data.pseudo_labels to a folder "
                "of labels, as `goodsam label` writes it"
            )
        term = labelled_cross_entropy(self(batch.image), label, self.taxonomy.ignore_index)
        return self.total({"cross_entropy": term}, {"cross_entropy": 1.0})

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The whole image at once."""
        yield "whole", self(batch.image)

    def learning_rate_scale(self, name: str) -> float:
        """Decoder and head learn at a rate of their own."""
        if not is_of_head(name):
            return 1.0
        is_fast = self.optimizer == "sgd" and name.endswith(".bias")
        return self.head_learning_rate_scale * (_BIASES if is_fast else 1.0)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, or SGD."""
        return self.scheduled(sgd) if self.optimizer == "sgd" else super().configure_optimizers()
