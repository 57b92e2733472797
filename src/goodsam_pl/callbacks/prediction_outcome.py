"""What became of one image of a prediction, and how failures are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodsam_pl.taxonomy import Taxonomy

__all__ = [
    "Outcome",
    "UnlabelledImagesError",
    "failed_outcome",
    "failure_report",
    "read_outcome",
    "shares_by_class",
    "stamp_of",
]


class UnlabelledImagesError(ValueError):
    """Images have no labels; the message names each file and what is wrong with it."""


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
        name: of the image, as its predictions are called.
        image: path of its file; empty where the data has no files.
        bytes: size of the file when it was predicted.
        modified: its time of change then, nanoseconds.
        files: the predictions, by their kind, as paths below the folder.
        size: height and width of the file, upright, pixels.
        rows: first row of the file that was predicted, and the row after the last.
        predicted_size: height and width at which the network saw these rows, pixels.
        shares: of these pixels that each class has, by its name; classes without any are left out.
        reason: why there is no prediction; ``None`` where there is one.
    """

    name: str
    image: str
    bytes: int = 0
    modified: int = 0
    files: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    rows: tuple[int, int] | None = None
    predicted_size: tuple[int, int] | None = None
    shares: dict[str, float] = field(default_factory=dict)
    reason: str | None = None

    def is_of(self, image: Path) -> bool:
        """Whether it is about a file as that is now, wherever it was then."""
        return (self.bytes, self.modified) == stamp_of(image)


def stamp_of(image: Path) -> tuple[int, int]:
    """Size and time of change of a file; zeros for one that is not there."""
    try:
        status = image.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def read_outcome(content: Mapping[str, Any]) -> Outcome:
    """What a summary or a journal says of an image.

    Raises:
        KeyError: something is missing.
        TypeError: it has another form.
    """
    pairs = {
        key: tuple(content[key]) if content[key] else None
        for key in ("size", "rows", "predicted_size")
    }
    outcome = Outcome(**{**content, **pairs})
    files = outcome.files if isinstance(outcome.files, dict) else {0: 0}
    texts = (outcome.name, outcome.image, *files, *files.values())
    if not all(isinstance(each, str) and "\0" not in each for each in texts):
        raise TypeError("names of an image or of its files are no texts")
    return outcome


def failed_outcome(name: str, image: Path, reason: str) -> Outcome:
    """An image without a prediction, and why."""
    size, modified = stamp_of(image)
    return Outcome(name, str(image.resolve()), size, modified, reason=reason)


def failure_report(failed: Sequence[Outcome], count: int) -> str:
    """What is wrong, a line for each image, below a line with their number."""
    lines = [f"  {_told(each)}" for each in failed]
    return "\n".join([f"{len(failed)} of {count} images have no labels:", *lines])


def _told(failed: Outcome) -> str:
    reason = failed.reason or ""
    # reasons usually begin with the path as the configuration gave it
    return reason if Path(failed.image).name in reason else f"{failed.image}: {reason}"


def shares_by_class(label: npt.NDArray[np.uint8], taxonomy: Taxonomy) -> dict[str, float]:
    """Shares of the pixels ``(H, W)`` that each class has, by its name."""
    counts = np.bincount(label.reshape(-1), minlength=len(taxonomy.classes))
    pairs = zip(taxonomy.classes, counts, strict=False)
    return {name: round(int(count) / label.size, 6) for name, count in pairs if count}
