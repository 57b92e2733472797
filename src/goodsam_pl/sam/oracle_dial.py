"""The dial of an oracle: how far its masks are from the true instances."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

__all__ = ["OracleDial"]

_WORST = {
    "minimum_area": 800,
    "merged": 0.4,
    "split": 0.3,
    "missed": 0.25,
    "doubled": 0.3,
    "grown": 1.0,
    "shifted": 1.5,
    "rough": 2.5,
}
"""Every entry at quality 0: about as good as those of ``vit_nano`` in StreetWorld.
Our choice, see docs/sam_quality.md."""

_SHARES = ("merged", "split", "missed", "doubled")


@dataclass(frozen=True)
class OracleDial:
    """What is wrong with an oracle's masks, and how much: our choice throughout.

    Attributes:
        minimum_area: masks with fewer pixels are dropped.
        merged: probability that an instance and the neighbour with which it shares the longest
            border are one mask, and have none of their own; each is in one pair at most.
        split: probability that a mask is cut in two by a straight line.
        missed: probability that a mask is left out.
        doubled: probability that a mask is there twice, each with errors of its own.
        grown: standard deviation of how far the edge lies outside (or inside), pixels.
        shifted: standard deviation of how far a mask is displaced along each axis, pixels.
        rough: standard deviation of what the edge strays along its way, pixels.
    """

    minimum_area: int = 1
    merged: float = 0.0
    split: float = 0.0
    missed: float = 0.0
    doubled: float = 0.0
    grown: float = 0.0
    shifted: float = 0.0
    rough: float = 0.0

    def __post_init__(self) -> None:
        if self.minimum_area < 1:
            raise ValueError(f"minimum_area is {self.minimum_area}: choose at least 1 pixel")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _SHARES and not 0 <= value <= 1:
                raise ValueError(f"{field.name} is {value}: choose a probability, from 0 to 1")
            if value < 0:
                raise ValueError(f"{field.name} is {value}: choose 0 or more pixels")

    @classmethod
    def of_quality(cls, quality: float, **given: float | None) -> OracleDial:
        """A place on the path from masks that are hardly of use, 0, to the exact ones, 1.

        Every entry grows in proportion to ``1 - quality``, the least area by its square.

        Args:
            quality: from 0 to 1.
            given: entries by name that leave the path; ``None`` for those that do not.

        Raises:
            ValueError: the quality is not in [0, 1], or an entry is not what it must be.
        """
        if not 0 <= quality <= 1:
            raise ValueError(f"quality is {quality}: choose from 0 (worst) to 1 (exact)")
        lost = 1.0 - quality
        values = {name: lost * worst for name, worst in _WORST.items()}
        values["minimum_area"] = max(1, round(lost**2 * _WORST["minimum_area"]))
        values |= {name: value for name, value in given.items() if value is not None}
        values["minimum_area"] = int(values["minimum_area"])
        return cls(**values)  # type: ignore[arg-type]  # the one that is no float has been rounded

    def as_dict(self) -> dict[str, int | float]:
        """Plain values by name; the same whether they were given as 0 or as 0.0."""
        floats = {name: float(value) for name, value in asdict(self).items()}
        return {**floats, "minimum_area": self.minimum_area}
