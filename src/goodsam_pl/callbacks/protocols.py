"""What the callbacks here ask of a LightningModule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from lightning.pytorch import LightningModule

from goodsam_pl.data import Band
from goodsam_pl.data.tolerance import Choose
from goodsam_pl.metrics import ExtraScore, SegmentationScores
from goodsam_pl.taxonomy import Taxonomy

__all__ = [
    "ColouredModule",
    "MeasuringModule",
    "PredictableData",
    "ProbableModule",
    "ScoredModule",
    "check_coloured",
    "check_measuring",
    "check_probable",
    "check_scored",
    "scored_in",
]


@runtime_checkable
class ColouredModule(Protocol):
    """A LightningModule that predicts classes of a taxonomy.

    Attributes:
        taxonomy: names and colours of the classes.
    """

    taxonomy: Taxonomy


@runtime_checkable
class ScoredModule(Protocol):
    """A LightningModule that scores what it predicts.

    The scores are of the classes of ``taxonomy``, or of ``evaluation_taxonomy`` where the module
    has that attribute, too.

    Attributes:
        taxonomy: names and colours of the classes.
        latest_scores: the scores of the last validation or test epoch, by kind of prediction (e.g.
            ``"whole"``, ``"windowed"``), the module's own kind first.
    """

    taxonomy: Taxonomy
    latest_scores: dict[str, SegmentationScores]


@runtime_checkable
class MeasuringModule(Protocol):
    """A LightningModule that measures more than IoU when asked to."""

    def measure(self, extras: Collection[ExtraScore]) -> None:
        """Measure these, too, from the next ``setup`` on."""


@runtime_checkable
class ProbableModule(Protocol):
    """A LightningModule that predicts probabilities when asked to.

    Attributes:
        predicts_probabilities: ``predict_step`` returns these, float32 ``(B, K, H, W)``, in the
            place of class ids.
    """

    predicts_probabilities: bool


@runtime_checkable
class PredictableData(Protocol):
    """A LightningDataModule that knows the files of the images that are predicted.

    Attributes:
        root: the folder they are below.
    """

    root: Path

    def predict_chosen(self, choose: Choose) -> None:
        """Predict only what is chosen, and go on past files that cannot be read."""

    def locate(self, path: Path) -> Band:
        """Which rows of a file its prediction is of."""
        ...

    def describe_predictions(self) -> dict[str, Any]:
        """What decides about predictions, as plain values."""
        ...

    def passed_over(self) -> Mapping[str, int]:
        """How many pictures below the root are of kinds that are not read, by suffix."""
        ...


def check_coloured(module: LightningModule, asked_by: object) -> ColouredModule:
    """The same module, known to follow :class:`ColouredModule`.

    Raises:
        TypeError: it does not.
    """
    if not isinstance(module, ColouredModule):
        raise TypeError(_complaint(module, asked_by, "`taxonomy`"))
    return module


def check_scored(module: LightningModule, asked_by: object) -> ScoredModule:
    """The same module, known to follow :class:`ScoredModule`.

    Raises:
        TypeError: it does not.
    """
    if not isinstance(module, ScoredModule):
        raise TypeError(_complaint(module, asked_by, "`taxonomy` and `latest_scores`"))
    return module


def check_measuring(module: LightningModule, asked_by: object) -> MeasuringModule:
    """The same module, known to follow :class:`MeasuringModule`.

    Raises:
        TypeError: it does not.
    """
    if not isinstance(module, MeasuringModule):
        raise TypeError(_complaint(module, asked_by, "extra scores, which it has to `measure`,"))
    return module


def check_probable(module: LightningModule, asked_by: object) -> ProbableModule:
    """The same module, known to follow :class:`ProbableModule`.

    Raises:
        TypeError: it does not.
    """
    if not isinstance(module, ProbableModule):
        raise TypeError(_complaint(module, asked_by, "`predicts_probabilities`"))
    return module


def scored_in(module: ScoredModule) -> Taxonomy:
    """The class set of a module's scores."""
    taxonomy: Taxonomy = getattr(module, "evaluation_taxonomy", module.taxonomy)
    return taxonomy


def _complaint(module: LightningModule, asked_by: object, attributes: str) -> str:
    return (
        f"{type(asked_by).__name__} reads {attributes} of the model, which "
        f"{type(module).__name__} lacks: add what is missing or leave the callback out"
    )
