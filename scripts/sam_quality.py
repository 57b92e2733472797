"""The curve: how good masks are, against how good the labels are that fusions make of them.

python scripts/sam_quality.py --world data/streetworld --seeds 0 1 2 --split test \
    --teacher_assistant source=runs/demo/seed_{seed}/source/last.ckpt \
        rectified=runs/demo/seed_{seed}/rectification/last.ckpt \
    --students true --page docs/sam_quality.md --picture docs/sam_quality.png

Masks are those of an oracle at several settings of its dial, and of small SAMs. Every result lands
in OUT as soon as it is there, and is not made again. Choose on val; look at test once.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.presets import read_preset
from goodsam_pl.networks import SegmentationNetwork
from label_quality import known_fusions, measure
from mask_curve.points import Point, points_of, quality_of, store_masks
from mask_curve.report import as_markdown, draw_curve
from mask_curve.students import train_student

MARKS = "<!-- curve -->", "<!-- /curve -->"


def main() -> None:
    """Measure what is not measured yet, and report all."""
    arguments = parsed()
    points = points_of(arguments.world, arguments.qualities, arguments.sams)
    results: dict[str, dict[int, dict[str, Any]]] = {}
    for point in points:
        for seed in arguments.seeds:
            done = result_of(point, seed, arguments)
            results.setdefault(point.name, {})[seed] = done
            print(json.dumps({"point": point.name, "seed": seed, **done}), flush=True)
    table = as_markdown(results)
    write_atomically(arguments.out / "table.md", table.encode())
    picture = draw_curve(results, arguments.split)
    write_atomically(arguments.picture or arguments.out / "curve.png", picture)
    if arguments.page is not None:
        put_table(arguments.page, table)
    print(table)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--config", type=Path, default=Path("configs/streetworld/rectification.yaml")
    )
    parser.add_argument("--world", type=Path, required=True, help="an export with instances")
    parser.add_argument(
        "--teacher_assistant",
        nargs="+",
        required=True,
        metavar="NAME=WEIGHTS",
        help="{seed} stands for the seed; students start from the first",
    )
    parser.add_argument(
        "--qualities",
        nargs="*",
        type=float,
        default=[0, 0.25, 0.5, 0.75, 0.9, 1],
        help="of oracles",
    )
    parser.add_argument(
        "--sams", nargs="*", default=["vit_nano="], metavar="NAME=WEIGHTS[,KEY=NUMBER]"
    )
    parser.add_argument(
        "--priors", nargs="*", type=float, default=[], help="of our fusion, beside its own"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--split", choices=["val", "test"], default="val")
    parser.add_argument("--limit", type=int, help="panoramas at most")
    parser.add_argument("--students", choices=["true", "false"], default="false")
    parser.add_argument("--student_options", nargs="*", default=[], help="key=value, of trainings")
    parser.add_argument("--out", type=Path, default=Path("runs/sam_quality"))
    parser.add_argument("--page", type=Path, help="a page to put the tables into")
    parser.add_argument("--picture", type=Path, help="where the curve goes")
    return parser.parse_args()


def result_of(point: Point, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """What is known of a point and a seed; what is missing is measured and written down.

    Raises:
        ValueError: the file that holds it is of another split, or of other panoramas.
    """
    path = arguments.out / f"{point.name.replace(' ', '_')}_{seed}.json"
    of = {"split": arguments.split, "limit": arguments.limit}
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {"of": of}
    if known["of"] != of:
        raise ValueError(f"{path} is of {known['of']}, not of {of}: name another folder by --out")
    weights = dict(each.split("=", 1) for each in arguments.teacher_assistant)
    weights = {name: each.replace("{seed}", str(seed)) for name, each in weights.items()}
    if "masks" not in known or known["labels"].keys() != weights.keys():
        known |= measured(point, seed, weights, arguments)
        write_atomically(path, json.dumps(known, indent=1).encode())
    if arguments.students == "true" and "student" not in known:
        known |= train_student(
            point.described(seed),
            point.folder(arguments.out, seed),
            next(iter(weights.values())),
            arguments.world,
            arguments.out / "trainings" / path.stem,
            arguments.split,
            seed,
            [f"--{each}" for each in arguments.student_options],
        )
        write_atomically(path, json.dumps(known, indent=1).encode())
    return known


def measured(
    point: Point, seed: int, weights: dict[str, str], arguments: argparse.Namespace
) -> dict[str, Any]:
    """How good the masks are, and the labels of each teacher assistant and fusion."""
    config = read_preset(arguments.config)
    options = config["data"]["init_args"] | {
        "root": str(arguments.world / "densepass"),
        "mask_root": str(point.folder(arguments.out, seed)),
        "mask_splits": [arguments.split],
        "eval_batch_size": 1,
        "limit": arguments.limit,
    }
    data = PanoramaDataModule(**options)
    store = store_masks(data, arguments.split, point.proposer(seed))
    quality = quality_of(data, arguments.split, store, arguments.world)
    teachers = {name: SegmentationNetwork(weights=each).eval() for name, each in weights.items()}
    configured = config["model"]["init_args"].get("teachers", {})
    qualities = measure(
        data,
        arguments.split,
        teachers,
        known_fusions(configured.get("fusion"), arguments.priors),
        configured.get("window_scale", 1.0),
    )
    labels = {
        teacher: {fusion: each.miou for fusion, each in by_fusion.items()}
        for teacher, by_fusion in qualities.items()
    }
    return {"masks": quality.as_dict(), "labels": labels}


def put_table(page: Path, table: str) -> None:
    """Put the tables between the marks of a page.

    Raises:
        ValueError: it has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = MARKS
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{page}: put {begin} and {end} where the tables go")
    filled = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{table}{end}", text, flags=re.DOTALL)
    write_atomically(page, filled.encode())


if __name__ == "__main__":
    main()
