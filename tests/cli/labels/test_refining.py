"""What decides about refined labels is said."""

from __future__ import annotations

from dataclasses import replace

from goodsam_pl.cli.labels.refining import Refining
from goodsam_pl.masks.refined_labels import Refinement
from goodsam_pl.sam.refiners import refiner_for
from goodsam_pl.taxonomy import read_classes

USUAL = Refining(
    taxonomy=read_classes("car, person"),
    teacher=None,
    refiner=refiner_for(),
    how=Refinement(),
    look=(None, None, False),
    overlay_width=64,
)


def test_all_that_decides_about_labels_is_described() -> None:
    described = USUAL.describe()
    others = [
        replace(USUAL, taxonomy=read_classes("car, dog")),
        replace(USUAL, refiner=refiner_for(rounds=2)),
        replace(USUAL, how=Refinement(rule="area")),
        replace(USUAL, how=Refinement(least_agreement=0.1)),
        replace(USUAL, how=Refinement(agreement=0.1)),
        replace(USUAL, how=Refinement(classes=frozenset({1}))),
        replace(USUAL, look=((8, 8), None, False)),
        replace(USUAL, look=(None, (8, 8), False)),
        replace(USUAL, look=(None, None, True)),
        replace(USUAL, overlay_width=32),
    ]
    for other in others:
        changed = {key for key, value in other.describe().items() if value != described[key]}
        assert len(changed) == 1
    assert others[5].describe()["only"] == ["person"]


def test_without_a_width_there_are_no_overlays() -> None:
    assert USUAL.kinds == ("labels", "overlays")
    assert replace(USUAL, overlay_width=0).kinds == ("labels",)
