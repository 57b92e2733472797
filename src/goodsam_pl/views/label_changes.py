"""Where two label maps differ, and which of them is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from goodsam_pl.taxonomy import Taxonomy

__all__ = ["ClassChange", "LabelChanges", "label_changes"]


@dataclass(frozen=True)
class ClassChange:
    """The pixels that changed to one class.

    Attributes:
        name: of the class.
        changed: pixels whose truth is known.
        corrected: of these, those that were wrong before and are right now.
        spoilt: of these, those that were right before and are wrong now.
    """

    name: str
    changed: int
    corrected: int
    spoilt: int


@dataclass(frozen=True)
class LabelChanges:
    """All changes; ``str`` of it is a small table.

    Attributes:
        classes: in the order of the taxonomy, those that something changed to.
        known: pixels whose truth is known, changed or not.
    """

    classes: tuple[ClassChange, ...]
    known: int

    @property
    def changed(self) -> int:
        """Pixels."""
        return sum(each.changed for each in self.classes)

    @property
    def corrected(self) -> int:
        """Pixels."""
        return sum(each.corrected for each in self.classes)

    @property
    def spoilt(self) -> int:
        """Pixels."""
        return sum(each.spoilt for each in self.classes)

    def __str__(self) -> str:
        width = max([len("to the class"), *(len(each.name) for each in self.classes)])
        lines = [f"{'to the class':<{width}} {'changed':>9} {'corrected':>10} {'spoilt':>8}"]
        rows = (*self.classes, ClassChange("all", self.changed, self.corrected, self.spoilt))
        lines += [
            f"{each.name:<{width}} {each.changed:>9} {each.corrected:>10} {each.spoilt:>8}"
            for each in rows
        ]
        return "\n".join(lines)


def label_changes(before: Tensor, after: Tensor, truth: Tensor, taxonomy: Taxonomy) -> LabelChanges:
    """Count what changed, by the class that it changed to.

    Args:
        before: class ids ``(H, W)``.
        after: likewise.
        truth: likewise; pixels of ``taxonomy.ignore_index`` are not counted.
        taxonomy: of all three.
    """
    known = truth != taxonomy.ignore_index
    changed = known & (before != after)

    def of_classes() -> Iterator[ClassChange]:
        for index, name in enumerate(taxonomy.classes):
            here = changed & (after == index)
            if here.any():
                corrected, spoilt = (here & (each == truth) for each in (after, before))
                yield ClassChange(name, int(here.sum()), int(corrected.sum()), int(spoilt.sum()))

    return LabelChanges(tuple(of_classes()), int(known.sum()))
