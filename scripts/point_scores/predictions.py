"""What predicted labels say at points: those of `goodsam predict`, or plain PNGs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodsam_pl.callbacks.prediction_outcome import Outcome, read_outcome
from goodsam_pl.data.files import read_label
from goodsam_pl.files import read_regular
from goodsam_pl.taxonomy import TAXONOMIES, Taxonomy, get_taxonomy, remap_table
from point_scores.points import NAMES, Point

__all__ = ["Answers", "reachable", "read_answers"]


@dataclass(frozen=True)
class Answers:
    """What one folder says at points.

    Attributes:
        name: what the folder is called in reports.
        classes: the classes of Cityscapes that its class set can express.
        said: of each point, the name in Cityscapes; the name in the folder's own class set where
            Cityscapes has no such class; ``None`` where the label is void.
        sizes: height and width that each panorama has by its label, pixels.
    """

    name: str
    classes: frozenset[str]
    said: Mapping[Point, str | None]
    sizes: Mapping[str, tuple[int, int]]


def reachable(taxonomy: Taxonomy) -> frozenset[str]:
    """The classes of Cityscapes that a class of this set means.

    Raises:
        ValueError: no translation is defined.
    """
    table = remap_table(taxonomy, NAMES)
    return frozenset(NAMES.classes[each] for each in table if each != NAMES.ignore_index)


def read_answers(name: str, root: Path, points: Iterable[Point], taxonomy: str | None) -> Answers:
    """Look points up in the labels of a folder.

    Args:
        name: what the folder is called in reports.
        root: holds ``summary.json`` and ``labels/``, as `goodsam predict` writes them; or label
            PNGs alone, in ``labels/`` or in the folder itself, of the size of their panoramas.
        points: in pixels of the panoramas.
        taxonomy: the class set of the labels. ``None`` takes it from the summary, and Cityscapes'
            where there is none.

    Raises:
        OSError: a file cannot be read.
        ValueError: a panorama without a label, a label of another size than its panorama, or with
            an id that the class set does not have; or a class set that is not that of the summary,
            is unknown, or has no translation to Cityscapes.
    """
    if not root.is_dir():
        raise ValueError(f"{name}: there is no folder {root}")
    summary = _summary(root)
    known = _taxonomy(root, summary, taxonomy)
    outcomes = {each.name: each for each in _outcomes(root, summary)}
    by_image: dict[str, list[Point]] = {}
    for point in points:
        by_image.setdefault(point.image, []).append(point)
    found = {image: _find(root, image, outcomes) for image in by_image}
    missing = [image for image, (path, _) in found.items() if path is None]
    if missing:
        raise ValueError(
            f"{name}: {root} has no labels of {', '.join(missing)}: predict every panorama that "
            "has points"
        )
    table = remap_table(known, NAMES)
    said: dict[Point, str | None] = {}
    sizes = {}
    for image, (path, outcome) in found.items():
        assert path is not None  # noqa: S101  # the missing ones were told
        label = _checked(path, known)
        sizes[image] = label.shape if outcome is None or outcome.size is None else outcome.size
        for point in by_image[image]:
            train_id = _at(point, label, path, outcome)
            said[point] = None if train_id is None else _called(train_id, known, table)
    return Answers(name, reachable(known), said, sizes)


def _summary(root: Path) -> dict[str, Any] | None:
    path = root / "summary.json"
    if not path.is_file():
        return None
    try:
        content = json.loads(read_regular(path))
        return {"taxonomy": content["identity"]["taxonomy"], "images": list(content["images"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no summary of predictions") from error


def _outcomes(root: Path, summary: Mapping[str, Any] | None) -> list[Outcome]:
    try:
        return [read_outcome(each) for each in summary["images"]] if summary else []
    except (KeyError, TypeError) as error:
        raise ValueError(f"{root / 'summary.json'} is no summary of predictions") from error


def _taxonomy(root: Path, summary: Mapping[str, Any] | None, given: str | None) -> Taxonomy:
    if summary is None:
        return NAMES if given is None else get_taxonomy(given)
    name = str(summary["taxonomy"]["name"])
    classes = tuple(each["name"] for each in summary["taxonomy"]["classes"])
    if given is None and name not in TAXONOMIES:
        raise ValueError(
            f"{root} was predicted in the classes {name!r}: say by --taxonomy in which file they "
            "are"
        )
    known = get_taxonomy(given or name)
    if known.classes != classes:
        raise ValueError(
            f"{root} was predicted in the classes {', '.join(classes)}, and {known.name} has "
            f"{', '.join(known.classes)}: leave --taxonomy out, or name theirs"
        )
    return known


def _find(
    root: Path, image: str, outcomes: Mapping[str, Outcome]
) -> tuple[Path | None, Outcome | None]:
    """The label of an image, and what the summary says of it."""
    names = (image, image.rpartition(".")[0])  # with its suffix where two images share a stem
    for name in names:
        outcome = outcomes.get(name)
        if outcome is not None and "labels" in outcome.files:
            path = root / outcome.files["labels"]
            return (path, outcome) if path.is_file() else (None, outcome)
    if outcomes:
        return None, None
    folders = (root / "labels", root)
    paths = [folder / f"{name}.png" for folder in folders for name in names]
    return next((path for path in paths if path.is_file()), None), None


def _checked(path: Path, taxonomy: Taxonomy) -> npt.NDArray[np.uint8]:
    label = read_label(path)
    strange = label[(label >= len(taxonomy.classes)) & (label != taxonomy.ignore_index)]
    if strange.size:
        raise ValueError(
            f"{path} holds the label {int(strange[0])}, and {taxonomy.name} has 0 to "
            f"{len(taxonomy.classes) - 1} and {taxonomy.ignore_index}: name the class set that it "
            "was written in (--taxonomy)"
        )
    return label


def _at(
    point: Point, label: npt.NDArray[np.uint8], path: Path, outcome: Outcome | None
) -> int | None:
    """The trainId at a point; ``None`` outside the band, and where the label is void."""
    height, width = label.shape if outcome is None or outcome.size is None else outcome.size
    if point.x >= width or point.y >= height:
        raise ValueError(
            f"{path}: the point x {point.x}, y {point.y} of {point.image} is not in a panorama of "
            f"{width}×{height}: labels must have the size of the panorama that points are told in"
        )
    top, bottom = (0, height) if outcome is None or outcome.rows is None else outcome.rows
    if not top <= point.y < bottom:
        return None
    row, column = point.y, point.x
    if outcome is not None and label.shape != (height, width):
        if label.shape != outcome.predicted_size:
            raise ValueError(
                f"{path} has {label.shape[1]}×{label.shape[0]} pixels, and its summary says "
                f"{width}×{height}: predict it again"
            )
        # the pixel of the strip in which the middle of the panorama's pixel lies
        row = (2 * (row - top) + 1) * label.shape[0] // (2 * (bottom - top))
        column = (2 * column + 1) * label.shape[1] // (2 * width)
    train_id = int(label[row, column])
    return None if train_id == NAMES.ignore_index else train_id


def _called(train_id: int, taxonomy: Taxonomy, table: npt.NDArray[np.uint8]) -> str:
    translated = int(table[train_id])
    return (
        taxonomy.classes[train_id]
        if translated == NAMES.ignore_index
        else NAMES.classes[translated]
    )
