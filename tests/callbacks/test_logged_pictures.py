"""Who takes pictures; what W&B gets is in test_dashboard.py."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from goodsam_pl.callbacks.logged_pictures import log_pictures
from goodsam_pl.views.pictures import contact_sheet
from goodsam_pl.views.stages import Panel

PANELS = [Panel(name, np.full((4, 6, 3), value, np.uint8)) for name, value in (("a", 9), ("b", 7))]


def test_one_picture_goes_as_it_is_and_several_as_a_sheet() -> None:
    taken = []
    board = SimpleNamespace(add_image=lambda *given, **named: taken.append((*given, named)))
    trainer = SimpleNamespace(loggers=[SimpleNamespace(experiment=board)], global_step=3)
    assert log_pictures(trainer, "one", PANELS[:1])
    assert log_pictures(trainer, "two", PANELS)
    for (key, picture, step, named), (name, expected) in zip(
        taken, (("one", PANELS[0].picture), ("two", contact_sheet([PANELS]))), strict=True
    ):
        assert (key, step, named) == (name, 3, {"dataformats": "HWC"})
        np.testing.assert_array_equal(picture, expected)


def test_nobody_takes_them() -> None:
    for loggers in ([], [SimpleNamespace(experiment=object())], [SimpleNamespace()]):
        assert not log_pictures(SimpleNamespace(loggers=loggers, global_step=0), "a", PANELS)
