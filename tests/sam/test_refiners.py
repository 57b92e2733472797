"""Which refiner a model becomes."""

from __future__ import annotations

import pytest

from goodsam_pl.masks.refined_labels import MaskRefiner
from goodsam_pl.sam import Felzenszwalb, SegmentAnything, TransformersSAM
from goodsam_pl.sam.click_refiner import ClickRefiner
from goodsam_pl.sam.refiners import refiner_for
from goodsam_pl.sam.sam_refiner import SamRefiner


def test_the_small_sam_is_asked_by_clicks_and_others_by_all_prompts() -> None:
    small = refiner_for()
    assert isinstance(small, ClickRefiner)
    assert isinstance(small, MaskRefiner)
    assert small.model.describe()["predicted_iou_threshold"] == 0.0
    given = SegmentAnything("vit_nano")
    named = refiner_for(given, rounds=2, points=3)
    assert named == ClickRefiner(given, 2, 3)
    for model in (SegmentAnything("vit_b"), TransformersSAM()):
        refiner = refiner_for(model, margin=0.3, strength=20.0, gamma=2.0)
        assert refiner == SamRefiner(model, 5, 0.3, 20.0, 2.0)
        assert isinstance(refiner, MaskRefiner)
        assert isinstance(refiner_for(model, "clicks"), ClickRefiner)
    assert isinstance(refiner_for(given, "all"), SamRefiner)


def test_a_proposer_that_answers_no_prompts_is_refused() -> None:
    with pytest.raises(ValueError, match="Felzenszwalb cannot be asked by points, boxes and masks"):
        refiner_for(Felzenszwalb())
    with pytest.raises(ValueError, match="Felzenszwalb cannot be asked by points, and so"):
        refiner_for(Felzenszwalb(), "clicks")
