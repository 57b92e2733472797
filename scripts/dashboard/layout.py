"""Which panels a dashboard has, in which order: those of :data:`SECTIONS` that a run has logged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from dashboard.logged import Logged

__all__ = ["SECTIONS", "Panel", "Wanted", "laid_out"]

Kind = Literal["lines", "pictures", "table", "matrix"]


class Wanted(NamedTuple):
    """A panel.

    Attributes:
        title: above it.
        kind: curves are drawn together; pictures, tables and matrices have a panel each.
        pattern: of whole names, a regular expression.
    """

    title: str
    kind: Kind
    pattern: str


class Panel(NamedTuple):
    """A panel with the names of what is drawn in it."""

    title: str
    kind: Kind
    keys: tuple[str, ...]


SECTIONS: dict[str, tuple[Wanted, ...]] = {
    "Scores": (
        Wanted("mean IoU", "lines", r"(val|test)/miou(_\w+)?"),
        Wanted("pixel accuracy", "lines", r"(val|test)/pixel_accuracy(_\w+)?"),
        Wanted("IoU of each class", "lines", r"val/iou/.+"),
        Wanted("bars", "pictures", r"(val|test)/class_bars"),
        Wanted("confusion", "pictures", r"(val|test)/confusion"),
        Wanted("pixels", "matrix", r"(val|test)/confusion_counts(_\w+)?"),
        Wanted("classes", "table", r"(val|test)/classes"),
    ),
    "Stages": (Wanted("stages", "pictures", r"stages/.+"),),
    "Without labels": (
        Wanted("agreement", "lines", r"label_free/agreement(_\w+)?"),
        Wanted("trusted", "lines", r"label_free/trusted"),
        Wanted("entropy", "lines", r"label_free/entropy(_\w+)?"),
        Wanted("shares of the classes", "lines", r"label_free/share/.+"),
    ),
    "Training": (
        Wanted("loss", "lines", r"train/loss"),
        Wanted("weighted terms", "lines", r"train/weighted/.+"),
        Wanted("learning rate", "lines", r"lr-.+"),
        Wanted("norm of the gradients", "lines", r"train/gradient_norm"),
        Wanted("images per second", "lines", r"train/images_per_second"),
    ),
    "Sequence of domains": (
        Wanted("scores", "lines", r"sequence/(boundary_)?iou/.+"),
        Wanted("matrix", "pictures", r"sequence/(boundary_)?iou"),
    ),
}


def laid_out(logged: Logged) -> dict[str, list[Panel]]:
    """The panels of each section that have something to show; sections without any are left out."""
    found = {
        section: [panel for each in wanted for panel in _panels(each, logged)]
        for section, wanted in SECTIONS.items()
    }
    return {section: panels for section, panels in found.items() if panels}


def _panels(wanted: Wanted, logged: Logged) -> Iterable[Panel]:
    names: dict[Kind, Iterable[str]] = {
        "lines": logged.curves,
        "pictures": logged.pictures,
        "table": logged.tables,
        "matrix": logged.matrices,
    }
    keys = sorted(name for name in names[wanted.kind] if re.fullmatch(wanted.pattern, name))
    if wanted.kind == "lines":
        return [Panel(wanted.title, "lines", tuple(keys))] if keys else []
    return [Panel(key, wanted.kind, (key,)) for key in keys]
