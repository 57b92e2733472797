"""What the callbacks here ask of a LightningModule."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from lightning.pytorch import LightningModule

from goodsam_pl.metrics import ExtraScore, SegmentationScores
from goodsam_pl.taxonomy import Taxonomy

__all__ = [
    "ColouredModule",
    "MeasuringModule",
    "ScoredModule",
    "check_coloured",
    "check_measuring",
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


def scored_in(module: ScoredModule) -> Taxonomy:
    """The class set of a module's scores."""
    taxonomy: Taxonomy = getattr(module, "evaluation_taxonomy", module.taxonomy)
    return taxonomy


def _complaint(module: LightningModule, asked_by: object, attributes: str) -> str:
    return (
        f"{type(asked_by).__name__} reads {attributes} of the model, which "
        f"{type(module).__name__} lacks: add what is missing or leave the callback out"
    )
