"""What the systems share: the sum of the terms, the optimiser, and what checkpoints hold."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from goodsam_pl.data import (
    AdaptationDataModule,
    PanoramaBatch,
    PanoramaDataModule,
    SourceBatch,
)
from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.modules.not_finite import refuse_not_finite
from goodsam_pl.modules.remembering import as_parsed, refuse_untrusted_arguments, remember_arguments
from goodsam_pl.modules.schedule import Recipe, adamw
from goodsam_pl.modules.scoring import ScoringModule
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
from goodsam_pl.taxonomy import Taxonomy, register_taxonomy

__all__ = ["SegmentationModule"]


class SegmentationModule(ScoringModule):
    """Base of the LightningModules: a system says what it trains on, and what it predicts.

    A subclass writes ``training_step`` and ``predict_kinds``; what it predicts is scored, see
    :class:`goodsam_pl.modules.scoring.ScoringModule`.

    Checkpoints carry what their networks need to be used again
    (:class:`goodsam_pl.networks.NetworkCard`). A checkpoint that was taken elsewhere loads without
    the weights that its training started from.

    Attributes:
        network_names: attributes that hold networks; the first is what a training is for, and what
            is exported.

    Args:
        taxonomy: of the networks.
        kinds: names of the predictions to score.
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
        super().__init__(taxonomy, kinds)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self._names: tuple[str, ...] = ()

    def setup(self, stage: str) -> None:
        """Before training have all weights, and score in the classes that the data module asks for.

        Whatever mode networks come in, those that train are in training mode from here on, frozen
        ones in evaluation mode: :func:`goodsam_pl.networks.begin_training`.
        """
        if stage == "fit":
            self.read_teachers()
            begin_training(self)
        super().setup(stage)

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
        if isinstance(data, AdaptationDataModule):
            data = data.target
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
        kwargs = as_parsed(kwargs)
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

    def learning_rate_scale(self, name: str) -> float:
        """The share of the learning rate that a parameter is trained at, by its name."""
        return 1.0

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with warm-up and decay, see :func:`goodsam_pl.modules.schedule.adamw`."""
        return self.scheduled(adamw)

    def scheduled(self, recipe: Recipe) -> OptimizerLRScheduler:
        """An optimiser of all parameters, with the rates of this training and its length."""
        rates = {
            name: self.learning_rate * self.learning_rate_scale(name)
            for name, _ in self.named_parameters()
        }
        steps = float(self.trainer.estimated_stepping_batches)
        return recipe(self.named_parameters(), rates, self.weight_decay, self.warmup_steps, steps)
