"""What the systems share: the sum of the terms, the scores, and what checkpoints hold."""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, PanoramaDataModule, SourceBatch
from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.metrics import Evaluation, ExtraScore, SegmentationScores
from goodsam_pl.modules.not_finite import refuse_not_finite
from goodsam_pl.modules.remembering import refuse_untrusted_arguments, remember_arguments
from goodsam_pl.modules.schedule import adamw
from goodsam_pl.networks import (
    CARD,
    FrozenNetwork,
    NetworkCard,
    begin_training,
    brought_by,
    check_logits,
    describe_network,
    read_card,
    unfrozen,
)
from goodsam_pl.taxonomy import Taxonomy, get_taxonomy, register_taxonomy

__all__ = ["SegmentationModule"]


class SegmentationModule(LightningModule, ABC):
    """Base of the LightningModules: a system says what it trains on, and what it predicts.

    A subclass writes ``training_step`` and :meth:`predict_kinds`; everything it predicts is scored
    in validation and test by one confusion matrix a kind, and logged as ``val/miou``,
    ``val/iou/<class>`` and so on, with the kind as a suffix (``val/miou_windowed``).

    A data module may ask for scores in other classes than the network's, by an attribute
    ``evaluation_taxonomy`` that its labels of val and test are in.

    Checkpoints carry what their networks need to be used again
    (:class:`goodsam_pl.networks.NetworkCard`). A checkpoint that was taken elsewhere loads without
    the weights that its training started from.

    Attributes:
        network_names: attributes that hold networks; the first is what a training is for, and what
            is exported.

    Args:
        taxonomy: name of the class set that the networks were built for, or path of a class file.
        kinds: names of the predictions to score; the first is the system's own and goes without a
            suffix.
        learning_rate: peak of AdamW's learning rate.
        weight_decay: AdamW's, on weights of more than one dimension.
        warmup_steps: optimiser steps of linear warm-up, before the polynomial decay to 0.
    """

    network_names: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        taxonomy: str,
        kinds: tuple[str, ...],
        learning_rate: float,
        weight_decay: float,
        warmup_steps: int,
    ) -> None:
        super().__init__()
        self.taxonomy = get_taxonomy(taxonomy)
        self.taxonomy_name = taxonomy
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self.kinds = kinds
        self.extra_scores: frozenset[ExtraScore] = frozenset()
        self.evaluate_in(self.taxonomy)
        self.latest_scores: dict[str, SegmentationScores] = {}
        self.predicts_probabilities = False
        self._names: tuple[str, ...] = ()

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
        """Score in the classes that the data module asks for; to train, have all weights.

        Whatever mode networks come in, those that train are in training mode from here on, frozen
        ones in evaluation mode: :func:`goodsam_pl.networks.begin_training`.
        """
        if stage == "fit":
            self.read_teachers()
            begin_training(self)
        asked = getattr(self.trainer.datamodule, "evaluation_taxonomy", None)  # type: ignore[attr-defined]  # set by a connector
        self.evaluate_in(asked or self.taxonomy)

    def read_teachers(self) -> None:
        """Read what training on needs and a checkpoint does not bring: the weights of teachers.

        Raises:
            FileNotFoundError: they are not where the configuration says.
        """
        for network in self._networks.values():
            if isinstance(network, FrozenNetwork):
                network.read_postponed()

    @property
    def exported_network(self) -> nn.Module:
        """What the training is for."""
        return self._networks[self.network_names[0]]

    @property
    def _networks(self) -> dict[str, nn.Module]:
        return {name: getattr(self, name) for name in self.network_names}

    def check_networks(self) -> None:
        """Ask each network for its classes, before anything long begins.

        Raises:
            TypeError: one gives no tensor.
            ValueError: one gives other than a logit for each class and pixel.
        """
        for name, network in self._networks.items():
            check_logits(unfrozen(network), self.taxonomy, name)

    def card(self) -> NetworkCard:
        """What the networks need to be used again."""
        data = getattr(self._trainer, "datamodule", None)
        return NetworkCard(
            networks={
                name: describe_network(unfrozen(network))
                for name, network in self._networks.items()
            },
            taxonomy=self.taxonomy.to_dict(),
            taxonomy_name=self.taxonomy_name,
            view=data.format.describe() if isinstance(data, PanoramaDataModule) else None,
            normalization=NORMALIZATION,
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the card."""
        checkpoint[CARD] = self.card().to_dict()

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, *args: Any, **kwargs: Any) -> Self:
        """As Lightning's, without need of the files that the training started from.

        Networks that are given as arguments are taken as they are. What else the checkpoint builds
        is of known classes, see :func:`goodsam_pl.networks.refuse_untrusted`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no checkpoint, or it would have other classes built.
        """
        refuse_untrusted_arguments(cls, Path(checkpoint_path), kwargs)
        card = read_card(Path(checkpoint_path))
        if card is None:
            return super().load_from_checkpoint(checkpoint_path, *args, **kwargs)
        register_taxonomy(Taxonomy.from_dict(card.taxonomy), card.taxonomy_name)
        with brought_by(card.networks):
            return super().load_from_checkpoint(checkpoint_path, *args, **kwargs)

    def remember_arguments(self, *networks: str) -> None:
        """Save the caller's constructor arguments for the checkpoint, as plain values only.

        Built by the command line, networks are remembered as the configuration that made them;
        built by hand they are objects, which a checkpoint that loads without executing code cannot
        hold, and :meth:`load_from_checkpoint` takes them as arguments.
        """
        frame = inspect.currentframe()
        remember_arguments(self, networks, frame.f_back if frame else None)

    def total(self, terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
        """Sum the weighted loss terms, and log each as it is and as it counts beside the sum.

        Raises:
            NotFiniteError: the sum is NaN or infinite.
        """
        weighted = {name: weights[name] * term for name, term in terms.items()}
        loss = torch.stack(list(weighted.values())).sum()
        refuse_not_finite(loss, terms, self._names)
        logged = {f"train/{name}": term.detach() for name, term in terms.items()}
        logged |= {f"train/weighted/{name}": term.detach() for name, term in weighted.items()}
        self.log_dict({"train/loss": loss.detach(), **logged}, prog_bar=False)
        return loss

    def on_train_batch_start(self, batch: PanoramaBatch | SourceBatch, batch_idx: int) -> None:
        """Remember which images a step is of, for errors."""
        self._names = tuple(batch.names)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Let no weight become NaN.

        Not where float16 scales losses: there a step with such gradients is left out, and the scale
        made smaller.

        Raises:
            NotFiniteError: a gradient is NaN or infinite.
        """
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:
            gradients = [each.grad for each in self.parameters() if each.grad is not None]
            norm = torch.nn.utils.get_total_norm(gradients)
            refuse_not_finite(norm, {"norm of gradients": norm}, self._names)

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

    def learning_rate_scale(self, name: str) -> float:
        """The share of the learning rate that a parameter is trained at, by its name."""
        return 1.0

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with warm-up and decay, see :func:`goodsam_pl.modules.schedule.adamw`."""
        rates = {
            name: self.learning_rate * self.learning_rate_scale(name)
            for name, _ in self.named_parameters()
        }
        steps = float(self.trainer.estimated_stepping_batches)
        return adamw(self.named_parameters(), rates, self.weight_decay, self.warmup_steps, steps)

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
