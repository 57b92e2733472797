"""What SAMRefiner makes of a teacher assistant's labels: mIoU and boundary IoU, before and after.

python scripts/refined_labels.py --root data/streetworld \
    --teacher_assistant source=runs/streetworld/source/last.ckpt \
        rectified=runs/streetworld/rectification/last.ckpt \
    --split val --out refined_labels.md

The export must have instances (goodsam streetworld --instances true) for the row of the oracle.
Prints a table and, as its last line, one JSON object. Choose on val; look at test once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import Tensor

from goodsam_pl.cli.labels.looking import look_through
from goodsam_pl.data import normalize
from goodsam_pl.data.entries import Request, Split, list_entries
from goodsam_pl.data.files import read_image
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS
from goodsam_pl.geometry import map_windows
from goodsam_pl.masks.refined_labels import (
    MaskRefiner,
    RefinedMasks,
    Refinement,
    refine_label,
)
from goodsam_pl.metrics import BoundaryIoU, SegmentationMetrics
from goodsam_pl.sam import StreetWorldOracle
from goodsam_pl.sam.refiners import refiner_for
from goodsam_pl.segmenter import Segmenter, load
from goodsam_pl.taxonomy import get_taxonomy

TAXONOMY = "cityscapes-19"


class Quality(NamedTuple):
    """Of labels, fractions of 1.

    Attributes:
        miou: mean over classes.
        boundary_miou: likewise, of the pixels near contours.
        iou: by class; NaN without.
        boundary_iou: by class; NaN without.
    """

    miou: float
    boundary_miou: float
    iou: list[float]
    boundary_iou: list[float]


class Tally:
    """Counts labels against true ones.

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int) -> None:
        self._whole, self._boundary = SegmentationMetrics(classes), BoundaryIoU(classes)

    def add(self, label: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Count one label ``(H, W)``, trainIds."""
        said, true = (torch.from_numpy(each)[None].long() for each in (label, truth))
        self._whole.update(said, true)
        self._boundary.update(said, true)

    def score(self) -> Quality:
        """Of everything counted."""
        whole, boundary = self._whole.compute(), self._boundary.compute()
        return Quality(
            whole.miou.item(), boundary.nanmean().item(), whole.iou.tolist(), boundary.tolist()
        )


class OracleRefiner:
    """For each coarse mask the true instance that agrees best with it: what a SAM could do at most.

    Args:
        oracle: knows the instances.
    """

    def __init__(self, oracle: StreetWorldOracle) -> None:
        self._oracle = oracle

    def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
        """Look the instances of each window up."""
        return [
            best_of(found.binary(), masks)
            for found, masks in zip(self._oracle.propose(windows), coarse, strict=True)
        ]

    def describe(self) -> dict[str, str | int | float]:
        """As the oracle describes itself."""
        return {"refiner": "oracle", **self._oracle.describe()}

    def to(self, device: torch.device | str) -> None:
        """Stay on the CPU."""


def best_of(candidates: Tensor, coarse: Tensor) -> RefinedMasks:
    """For each coarse mask the candidate with the highest IoU, which is its score.

    Args:
        candidates: ``(K, h, w)`` bool; without any, coarse masks stay as they are.
        coarse: ``(M, h, w)`` bool.
    """
    if not len(candidates) or not len(coarse):
        return RefinedMasks(coarse, torch.zeros(len(coarse)))
    flat, wanted = candidates.flatten(1).float(), coarse.flatten(1).float()
    common = wanted @ flat.T
    iou = common / (wanted.sum(dim=1)[:, None] + flat.sum(dim=1)[None] - common)
    best, chosen = iou.max(dim=1)
    return RefinedMasks(candidates[chosen], best)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="of StreetWorld's export")
    parser.add_argument("--teacher_assistant", nargs="+", required=True, metavar="NAME=WEIGHTS")
    parser.add_argument("--split", choices=["val", "test"], default="val")
    parser.add_argument("--scale", type=float, help="look through windows, enlarged so much")
    parser.add_argument(
        "--refiner",
        nargs="+",
        choices=["clicks", "all", "oracle"],
        default=["clicks", "all", "oracle"],
        help="vit_nano asked by clicks, by all prompts; true instances",
    )
    parser.add_argument("--least_agreement", nargs="+", type=float, default=[0.0])
    parser.add_argument("--rule", choices=["score", "area", "score_sum"], default="score")
    parser.add_argument("--images", type=int, help="only the first so many")
    parser.add_argument("--out", type=Path, help="tables as Markdown")
    given = parser.parse_args()

    makers: dict[str, Callable[[], MaskRefiner]] = {
        "clicks": lambda: refiner_for(prompts="clicks"),
        "all": lambda: refiner_for(prompts="all"),
        "oracle": lambda: OracleRefiner(StreetWorldOracle(str(given.root))),
    }
    refiners = {name: makers[name]() for name in given.refiner}
    ways = [Refinement(given.rule, least) for least in given.least_agreement]
    qualities = {}
    for each in given.teacher_assistant:
        name, _, weights = each.rpartition("=")
        network = load(weights)
        seen = list(labelled(given.root / "densepass", given.split, given.images))
        told = name or Path(weights).parent.name
        qualities[told] = measure(seen, network, given.scale, refiners, ways)
    Console().print(table_of(qualities, f"labels of {given.split}, percent"))
    if given.out is not None:
        given.out.write_text(as_markdown(qualities), encoding="utf-8")
    report = {
        teacher: {how: quality._asdict() for how, quality in by_way.items()}
        for teacher, by_way in qualities.items()
    }
    print(json.dumps({"split": given.split, "quality": report}))


def labelled(
    root: Path, split: Split, most: int | None
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Panoramas ``(H, W, 3)`` with their true labels ``(H, W)``."""
    reader = LabelReader(TAXONOMY)
    entries = list_entries(PANORAMA_LAYOUTS, "densepass", Request(root, split, TAXONOMY))
    for entry in entries[:most]:
        assert entry.label is not None  # noqa: S101  # listed with labels
        assert entry.label_format is not None  # noqa: S101  # as above
        yield read_image(entry.image), reader.read(entry.label, entry.label_format)


def measure(
    seen: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
    network: Segmenter,
    scale: float | None,
    refiners: dict[str, MaskRefiner],
    ways: Sequence[Refinement],
) -> dict[str, Quality]:
    """Quality before, and by refiner and way.

    Args:
        seen: images and true labels.
        network: whose labels are refined.
        scale: of the windows that it looks through; ``None`` shows it whole panoramas.
        refiners: by name.
        ways: what becomes of what they draw.
    """
    classes = len(get_taxonomy(TAXONOMY).classes)
    names = {
        (name, how): f"{name}, IoU ≥ {how.least_agreement:g}" if how.least_agreement else name
        for name in refiners
        for how in ways
    }
    tallies = {name: Tally(classes) for name in ("before", *names.values())}
    for image, truth in seen:
        label = predicted(image, network, scale)
        tallies["before"].add(label, truth)
        pixels = torch.from_numpy(image).permute(2, 0, 1).contiguous()
        windows = look_through(label.shape, (None, None, True))
        for name, refiner in refiners.items():
            drawn = Remembered(refiner)
            for how in ways:
                refined = refine_label(pixels, label, windows, drawn, how)
                tallies[names[name, how]].add(refined.label, truth)
    return {name: tally.score() for name, tally in tallies.items()}


class Remembered:
    """Asks a refiner once, and hands its answer out again: ways differ in what becomes of it."""

    def __init__(self, refiner: MaskRefiner) -> None:
        self._refiner = refiner
        self._answer: list[RefinedMasks] | None = None
        self.describe = refiner.describe
        self.to = refiner.to

    def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
        """Of the first windows that it is asked about, whatever comes later."""
        if self._answer is None:
            self._answer = self._refiner.refine(windows, coarse)
        return self._answer


@torch.no_grad()
def predicted(
    image: NDArray[np.uint8], network: Segmenter, scale: float | None
) -> NDArray[np.uint8]:
    """What a network says, ``(H, W)`` trainIds: of the whole panorama, or stitched (S_TA^w)."""
    if scale is None:
        return network.predict(image)
    windows = look_through((image.shape[0], image.shape[1]), (None, None, True))
    said = map_windows(network.network, normalize(image)[None], windows, scale).softmax(dim=2)
    return windows.stitch(said)[0].argmax(dim=0).to(torch.uint8).numpy()


HEADER = ["teacher assistant", "labels", "mIoU", "boundary IoU"]


def rows(qualities: dict[str, dict[str, Quality]]) -> list[list[str]]:
    """One for each teacher assistant and way, in percent."""
    return [
        [teacher, how, f"{100 * quality.miou:.1f}", f"{100 * quality.boundary_miou:.1f}"]
        for teacher, by_way in qualities.items()
        for how, quality in by_way.items()
    ]


def table_of(qualities: dict[str, dict[str, Quality]], title: str) -> Table:
    """For the console."""
    table = Table(*HEADER, title=title)
    for row in rows(qualities):
        table.add_row(*row)
    return table


def as_markdown(qualities: dict[str, dict[str, Quality]]) -> str:
    """For a page: the means, and below them each teacher assistant's classes."""
    parts = [_table(HEADER, rows(qualities))]
    names = get_taxonomy(TAXONOMY).classes
    for teacher, by_way in qualities.items():
        lines = [
            [name, *(_percent(quality.iou[index]) for quality in by_way.values())]
            for index, name in enumerate(names)
        ]
        parts.append(_table([teacher, *by_way], lines))
    return "\n".join(parts)


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"


def _table(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    numbers = ["---:"] * (len(header) - 1)
    return "".join(f"| {' | '.join(line)} |\n" for line in [header, ["---", *numbers], *lines])


if __name__ == "__main__":
    main()
