from __future__ import annotations

import io

import matplotlib.axes
import numpy as np
import pytest
from PIL import Image

from goodsam_pl.experiments.jobs import Run
from goodsam_pl.experiments.plan import Curve, Plan, Preset, Stage, Variation
from goodsam_pl.experiments.plots import draw_bars, draw_curve

STAGES = {"distillation": Stage(command="bake")}
LOAF = Preset(STAGES, variations={"-yeast": Variation("Flat.", at=0.0)}, at=1.0)


@pytest.fixture
def plan(monkeypatch, tmp_path):
    monkeypatch.setattr(Plan, "__post_init__", lambda self: None)
    return Plan(tmp_path, "Bread", {"loaf": LOAF}, curve=Curve("heat", "Heat"))


def scores(*students):
    names = ("full", "full", "-yeast")
    runs = [Run("loaf", name, seed, {}) for seed, name in enumerate(names)]
    return {run: {"student": value} for run, value in zip(runs, students, strict=False)}


def calls_of(monkeypatch, name):
    """What an axis is asked to draw."""
    made, draw = [], getattr(matplotlib.axes.Axes, name)

    def noted(axes, *args, **options):
        made.append(args)
        return draw(axes, *args, **options)

    monkeypatch.setattr(matplotlib.axes.Axes, name, noted)
    return made


def test_a_bar_is_a_mean(plan, monkeypatch):
    bars = calls_of(monkeypatch, "barh")
    picture = draw_bars(plan, scores(50.0, 52.0, 40.0))
    assert bars == [(0, 51.0), (1, 40.0)]
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "PNG"


def test_a_curve_goes_by_the_places_of_the_variations(plan, monkeypatch):
    curves = calls_of(monkeypatch, "errorbar")
    draw_curve(plan, "Heat", scores(50.0, 52.0, 40.0))
    (places, means, spreads), (_, nothing, _) = curves
    assert places == (0.0, 1.0)
    assert means == (40.0, 51.0)
    np.testing.assert_allclose(spreads, [np.nan, 2**0.5])
    assert np.isnan(nothing).all()  # there is no source-only


def test_nothing_is_done_yet(plan):
    for picture in (draw_bars(plan, {}), draw_curve(plan, "Heat", {})):
        assert picture.startswith(b"\x89PNG")
