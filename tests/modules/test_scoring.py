"""Predictions are counted by kind and logged once, without a network or a training."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules.scoring import ScoringModule
from goodsam_pl.taxonomy import get_taxonomy

LABEL = torch.tensor([[[0, 0, 0, 1], [1, 1, 1, 255]]])
RIGHT = LABEL.clamp(max=10)
WRONG = torch.tensor([[[0, 0, 0, 0], [1, 1, 1, 0]]])
GRID = WindowGrid.cover((2, 4), (2, 4), (2, 4))


class Fixed(ScoringModule):
    """Predicts what it is given, and keeps what it logs."""

    def __init__(self, **predictions: Tensor) -> None:
        super().__init__("camvid-11", tuple(predictions))
        self.predictions = predictions
        self.logged: dict[str, Any] = {}

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        yield from self.predictions.items()

    def log_dict(self, dictionary: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        self.logged |= dictionary


def panorama(label: Tensor | None = LABEL) -> PanoramaBatch:
    image = torch.zeros(1, 3, 2, 4)
    return PanoramaBatch(image=image, label=label, masks=None, windows=GRID, names=["a"])


def under(function: TrainerFn, sanity_checking: bool = False) -> Any:
    return SimpleNamespace(state=SimpleNamespace(fn=function), sanity_checking=sanity_checking)


def test_the_first_kind_is_logged_without_a_suffix_and_the_others_with_theirs() -> None:
    module = Fixed(own=WRONG, windowed=RIGHT)
    module.validation_step(panorama(), 0)
    module.on_validation_epoch_end()
    assert module.logged == pytest.approx(
        {
            "val/miou": 0.75,
            "val/pixel_accuracy": 6 / 7,
            "val/iou/sky": 3 / 4,
            "val/iou/building": 3 / 4,
            "val/miou_windowed": 1.0,
            "val/pixel_accuracy_windowed": 1.0,
            "val/iou_windowed/sky": 1.0,
            "val/iou_windowed/building": 1.0,
        }
    )
    assert list(module.latest_scores) == ["own", "windowed"]
    assert module.latest_scores["own"].miou.item() == 0.75


def test_batches_are_counted_together_and_forgotten_once_scored() -> None:
    module = Fixed(own=WRONG)
    for label in (LABEL, WRONG):
        module.test_step(panorama(label), 0)
    module.on_test_epoch_end()
    assert module.logged["test/pixel_accuracy"] == pytest.approx(14 / 15)
    module.test_step(panorama(WRONG), 0)
    module.on_test_epoch_end()
    assert module.logged["test/pixel_accuracy"] == 1.0


def test_logits_count_as_their_most_likely_class() -> None:
    logits = torch.nn.functional.one_hot(WRONG, 11).movedim(-1, 1).float()
    module = Fixed(own=logits)
    module.validation_step(panorama(), 0)
    module.on_validation_epoch_end()
    assert module.logged["val/miou"] == 0.75
    assert torch.equal(module.predict_step(panorama(), 0), WRONG)


def test_a_prediction_is_the_first_kind_as_classes_or_as_probabilities() -> None:
    logits = torch.randn(1, 11, 2, 4, generator=torch.Generator().manual_seed(0))
    module = Fixed(own=logits, windowed=RIGHT)
    assert torch.equal(module.predict_step(panorama(), 0), logits.argmax(dim=1))
    module.predicts_probabilities = True
    assert torch.equal(module.predict_step(panorama(), 0), logits.softmax(dim=1))
    assert torch.equal(Fixed(own=RIGHT).predict_step(panorama(), 0), RIGHT)


def test_scores_are_in_the_classes_that_the_data_asks_for() -> None:
    module = Fixed(own=WRONG)
    asked = get_taxonomy("cityscapes-19")
    module.trainer = SimpleNamespace(datamodule=SimpleNamespace(evaluation_taxonomy=asked))
    module.setup("test")
    table = torch.full((256,), 255)
    table[0], table[1] = asked.index("sky"), asked.index("building")
    module.test_step(panorama(table[LABEL]), 0)
    module.on_test_epoch_end()
    assert module.logged["test/iou/sky"] == 0.75
    assert module.logged["test/iou/building"] == 0.75
    module.trainer = SimpleNamespace(datamodule=None)
    module.setup("test")
    assert module.evaluation_taxonomy == get_taxonomy("camvid-11")


def test_more_is_measured_of_panoramas_alone_from_the_next_setup_on() -> None:
    module = Fixed(own=WRONG)
    module.measure(["seam_disagreement"])
    module.trainer = SimpleNamespace(datamodule=None)
    module.setup("validate")
    module.validation_step(SourceBatch(panorama().image, LABEL, ["a"]), 0)
    assert not module.metrics["own"].seam.update_called
    module.validation_step(panorama(), 0)
    module.on_validation_epoch_end()
    assert "val/seam_disagreement" in module.logged


def test_without_a_label_nothing_is_predicted_nor_scored() -> None:
    module = Fixed(own=WRONG)
    module.trainer = under(TrainerFn.VALIDATING)
    module.validation_step(panorama(None), 0)
    with pytest.raises(ValueError, match="no pixel of the val split is labelled in a class of cam"):
        module.on_validation_epoch_end()
    assert module.latest_scores == {}
    assert module.logged == {}


def test_a_training_goes_on_without_scores() -> None:
    module = Fixed(own=WRONG)
    module.trainer = under(TrainerFn.FITTING)
    module.validation_step(panorama(torch.full_like(LABEL, 255)), 0)
    with pytest.warns(UserWarning, match="so that there is no score; training goes on"):
        module.on_validation_epoch_end()


@pytest.mark.filterwarnings("error")
def test_the_sanity_check_before_a_training_warns_of_nothing() -> None:
    module = Fixed(own=WRONG)
    module.trainer = under(TrainerFn.FITTING, sanity_checking=True)
    module.on_validation_epoch_end()
    assert module.logged == {}
