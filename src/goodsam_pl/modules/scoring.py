"""What a module predicts, and how it is scored in validation and test."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import cast

from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.metrics import Evaluation, ExtraScore, SegmentationScores
from goodsam_pl.taxonomy import Taxonomy, get_taxonomy

__all__ = ["ScoringModule"]


class ScoringModule(LightningModule, ABC):
    """Everything that a subclass predicts is scored by one confusion matrix a kind.

    Scores are logged as ``val/miou``, ``val/iou/<class>`` and so on, with the kind as a suffix
    (``val/miou_windowed``). A data module may ask for scores in other classes than the network's,
    by an attribute ``evaluation_taxonomy`` that its labels of val and test are in.

    Args:
        taxonomy: name of the class set that the networks were built for, or path of a class file.
        kinds: names of the predictions; the first is the system's own and goes without a suffix.
    """

    def __init__(self, taxonomy: str, kinds: tuple[str, ...]) -> None:
        super().__init__()
        self.taxonomy = get_taxonomy(taxonomy)
        self.taxonomy_name = taxonomy
        self.kinds = kinds
        self.extra_scores: frozenset[ExtraScore] = frozenset()
        self.evaluate_in(self.taxonomy)
        self.latest_scores: dict[str, SegmentationScores] = {}
        self.predicts_probabilities = False

    @abstractmethod
    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """Yield every kind of prediction, class ids ``(B, H, W)`` or logits ``(B, K, H, W)``."""

    def evaluate_in(self, taxonomy: Taxonomy) -> None:
        """Score in the classes of ``taxonomy`` from now on, and forget what was counted.

        Raises:
            ValueError: the classes of the network cannot be expressed in it.
        """
        self.evaluation_taxonomy = taxonomy
        self.metrics = nn.ModuleDict(
            {kind: Evaluation(self.taxonomy, taxonomy, self.extra_scores) for kind in self.kinds}
        )

    def measure(self, extras: Collection[ExtraScore]) -> None:
        """Measure more of panoramas than IoU, from the next ``setup`` on."""
        self.extra_scores = frozenset(extras)

    def setup(self, stage: str) -> None:
        """Score in the classes that the data module asks for."""
        asked = getattr(self.trainer.datamodule, "evaluation_taxonomy", None)  # type: ignore[attr-defined]  # set by a connector
        self.evaluate_in(asked or self.taxonomy)

    def validation_step(self, batch: PanoramaBatch | SourceBatch, batch_idx: int) -> None:
        """Count the predictions of a labelled batch."""
        self._count(batch)

    def test_step(self, batch: PanoramaBatch | SourceBatch, batch_idx: int) -> None:
        """Count the predictions of a labelled batch."""
        self._count(batch)

    def on_validation_epoch_end(self) -> None:
        """Score the whole validation set."""
        self._score("val")

    def on_test_epoch_end(self) -> None:
        """Score the whole test set."""
        self._score("test")

    def predict_step(self, batch: PanoramaBatch | SourceBatch, batch_idx: int) -> Tensor:
        """Label a batch by the system's own kind of prediction: int64 ``(B, H, W)``.

        Or give probabilities float32 ``(B, K, H, W)``, where ``predicts_probabilities`` is set.
        """
        _, prediction = next(self.predict_kinds(batch))
        if not prediction.is_floating_point():
            return prediction
        if self.predicts_probabilities:
            return self.probabilities_of(prediction)
        return prediction.argmax(dim=1)

    def probabilities_of(self, prediction: Tensor) -> Tensor:
        """Probabilities ``(B, K, H, W)`` of the system's own kind of prediction: of logits."""
        return prediction.softmax(dim=1)

    def _count(self, batch: PanoramaBatch | SourceBatch) -> None:
        if batch.label is None:
            return
        panorama = isinstance(batch, PanoramaBatch)
        for kind, prediction in self.predict_kinds(batch):
            cast("Evaluation", self.metrics[kind]).update(prediction, batch.label, panorama)

    def _score(self, stage: str) -> None:
        self.latest_scores = {}
        for position, (kind, module) in enumerate(self.metrics.items()):
            metrics = cast("Evaluation", module)
            scores = _compute(metrics)
            metrics.reset()
            if scores.pixels.sum() > 0:
                self.latest_scores[kind] = scores
                suffix = f"_{kind}" if position else ""
                self.log_dict(scores.as_log(stage, self.evaluation_taxonomy.classes, suffix))
        if not self.latest_scores:
            self._nothing_to_score(stage)

    def _nothing_to_score(self, stage: str) -> None:
        message = (
            f"no pixel of the {stage} split is labelled in a class of "
            f"{self.evaluation_taxonomy.name}, so that there is no score"
        )
        if self.trainer.state.fn != TrainerFn.FITTING:
            raise ValueError(
                f"{message}: some data sets keep the labels of their test set to themselves "
                "(Cityscapes does), use validate there; a folder of images can only be predicted"
            )
        if not self.trainer.sanity_checking:
            rank_zero_warn(f"{message}; training goes on")


def _compute(metrics: Evaluation) -> SegmentationScores:
    """Score in every process, also in one that got no images: the sum over processes waits for all.

    torchmetrics warns where nothing was counted, which is no mistake here: kinds are optional.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The ``compute`` method of metric")
        return metrics.compute()
