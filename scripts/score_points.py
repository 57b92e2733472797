"""How often predictions are right, at points whose class was looked up by eye.

python scripts/score_points.py docs/real/amsterdam_points.csv \
    teacher=path/to/teacher_labels student=path/to/labels

For panoramas without labels. POINTS is a CSV with the columns image,x,y,class: pixels of the
panorama, and names of Cityscapes. Each folder is one that `goodsam predict` wrote, or holds label
PNGs of the size of the panoramas. All folders are scored at the same points: those at which one has
no label, and those of a class that one cannot say, are counted apart.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from goodsam_pl.taxonomy import get_taxonomy
from point_scores.pictures import write_mistakes
from point_scores.points import NAMES, Point, read_points
from point_scores.predictions import Answers, reachable, read_answers
from point_scores.scores import Comparison, Share, compare


def main() -> None:
    """Score and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("points", type=Path, metavar="POINTS", help="CSV: image,x,y,class")
    parser.add_argument("folders", nargs="+", metavar="[NAME=]FOLDER", help="of predictions")
    parser.add_argument(
        "--classes",
        metavar="TAXONOMY",
        help="score the classes that this set can say, as camvid-11 for what CamVid taught",
    )
    parser.add_argument(
        "--taxonomy",
        help="class set of the labels: a name or a class file; without it the summary's, or "
        "cityscapes-19",
    )
    parser.add_argument(
        "--least", type=int, default=1, metavar="N", help="points of a class in the mean (1)"
    )
    parser.add_argument("--overlays", type=Path, metavar="OUT", help="draw wrong points there")
    parser.add_argument("--panoramas", type=Path, metavar="FOLDER", help="to draw wrong points on")
    parser.add_argument("--json", action="store_true", help="print one JSON object, no table")
    arguments = parser.parse_args()
    if (arguments.overlays is None) != (arguments.panoramas is None):
        parser.error("--overlays and --panoramas go together")
    try:
        points = read_points(arguments.points)
        answers = [
            read_answers(name, root, points, arguments.taxonomy)
            for name, root in named(arguments.folders)
        ]
        asked = frozenset(NAMES.classes)
        if arguments.classes is not None:
            asked = reachable(get_taxonomy(arguments.classes))
        comparison = compare(points, answers, asked)
        report, table = as_plain(comparison, arguments.least), table_of(comparison, arguments.least)
        if arguments.overlays is not None:
            draw(comparison, answers, arguments.panoramas, arguments.overlays)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if arguments.json:
        print(json.dumps(report))
        return
    console = Console(soft_wrap=True)
    console.print(table)
    for line in remarks(comparison):
        console.print(line, highlight=False, markup=False)


def named(folders: Sequence[str]) -> list[tuple[str, Path]]:
    """Names and paths of NAME=FOLDER; without a name, it is that of the folder.

    Raises:
        ValueError: two have one name, or a name that is none of a folder.
    """
    found: dict[str, Path] = {}
    for each in folders:
        name, _, path = each.rpartition("=")
        name = name or Path(path).resolve().name
        if name in found:
            raise ValueError(f"two folders are called {name!r}: name them, as NAME=FOLDER")
        if Path(name).name != name:
            raise ValueError(f"{name!r} is no name for a folder: leave out the slashes")
        found[name] = Path(path)
    return list(found.items())


def draw(
    comparison: Comparison, answers: Sequence[Answers], panoramas: Path, overlays: Path
) -> None:
    """Write the pictures of every folder."""
    for scores, each in zip(comparison.scores, answers, strict=True):
        write_mistakes(scores, each.sizes, panoramas, overlays)


def table_of(comparison: Comparison, least: int) -> Table:
    """For the console: shares in percent, with their intervals.

    Args:
        comparison: of the folders.
        least: classes of fewer points are not in the mean.
    """
    table = Table(title="right points, percent, with 95 % intervals", title_justify="left")
    table.add_column("class")
    table.add_column("points", justify="right")
    for scores in comparison.scores:
        table.add_column(scores.name, justify="right")
    every = comparison.scores
    table.add_row("all", str(len(comparison.scored)), *(told(each.total) for each in every))
    mean = "mean over classes" if least <= 1 else f"mean over classes of {least} points"
    table.add_row(mean, "", *(f"{100 * each.mean(least):.1f}" for each in every))
    table.add_section()
    for name, share in every[0].by_class.items():
        table.add_row(name, str(share.points), *(told(each.by_class[name]) for each in every))
    return table


def told(share: Share) -> str:
    """A share and its interval in percent."""
    low, high = share.interval
    return f"{100 * share.share:.1f} ({100 * low:.0f}–{100 * high:.0f})"


def remarks(comparison: Comparison) -> list[str]:
    """What was counted apart, and point by point, what differs from the first folder."""
    first, *others = comparison.scores
    lines = [
        f"{each.name} is right at {each.gained} points where {first.name} is wrong, and wrong at "
        f"{each.lost} where that is right"
        for each in others
    ]
    for points, why in (
        (comparison.outside_band, "where a folder has no label"),
        (comparison.outside_classes, "of classes that are not scored"),
    ):
        kinds = ", ".join(f"{count} {name}" for name, count in by_class(points).items())
        lines.append(f"apart, {why}: {len(points)}{f' ({kinds})' if kinds else ''}")
    return lines


def by_class(points: Sequence[Point]) -> dict[str, int]:
    """How many points each class has, of those that have any."""
    counts = Counter(point.label for point in points)
    return {name: counts[name] for name in NAMES.classes if counts[name]}


def as_plain(comparison: Comparison, least: int) -> dict[str, Any]:
    """Everything as plain values; shares are fractions of 1.

    Args:
        comparison: of the folders.
        least: classes of fewer points are not in the mean.
    """
    return {
        "points": len(comparison.scored),
        "outside_band": [_place(point) for point in comparison.outside_band],
        "outside_classes": [_place(point) for point in comparison.outside_classes],
        "folders": {
            scores.name: {
                "all": _plain(scores.total),
                "mean_over_classes": scores.mean(least),
                "by_class": {name: _plain(each) for name, each in scores.by_class.items()},
                "gained": scores.gained,
                "lost": scores.lost,
                "mistakes": [{**_place(point), "said": said} for point, said in scores.mistakes],
            }
            for scores in comparison.scores
        },
    }


def _place(point: Point) -> dict[str, Any]:
    return {"image": point.image, "x": point.x, "y": point.y, "class": point.label}


def _plain(share: Share) -> dict[str, Any]:
    return {**share._asdict(), "share": share.share, "interval": list(share.interval)}


if __name__ == "__main__":
    main()
