"""How good the labels are that each fusion makes of a teacher assistant and SAM's masks.

python scripts/label_quality.py --config configs/streetworld/rectification.yaml \
    --teacher_assistant source=runs/streetworld/source/last.ckpt \
        rectified=runs/streetworld/rectification/last.ckpt \
    --split val --out label_quality.md

Prints a table and, as its last line, one JSON object. Masks are read from the store, never made:
put the split into data.mask_splits of a run, or use `goodsam masks compute`. Choose on val; look at
test once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from lightning.pytorch.cli import instantiate_class
from rich.console import Console
from rich.table import Table
from torch import Tensor

from goodsam_pl.data import PanoramaBatch, PanoramaDataModule
from goodsam_pl.files.presets import read_preset
from goodsam_pl.fusion import (
    CTCF,
    SEPL,
    SSA,
    CTCFv2,
    Fusion,
    MajorityVote,
    NoFusion,
    TrustedPool,
    fuse,
)
from goodsam_pl.geometry import map_windows
from goodsam_pl.metrics import SegmentationMetrics
from goodsam_pl.networks import SegmentationNetwork


class Quality(NamedTuple):
    """Of one fusion's labels, fractions of 1.

    Attributes:
        miou: of argmax E, stitched.
        windows_miou: of argmax E_i, the hard targets, counted in every window.
        trusted_miou: likewise, where M_i = 1 alone.
        trusted: share of pixels with M_i = 1.
        iou: of argmax E, by class.
    """

    miou: float
    windows_miou: float
    trusted_miou: float
    trusted: float
    iou: list[float]


class Tally:
    """Counts the labels of one fusion over a split.

    Args:
        classes: number of classes K.
        ignored: label of pixels that do not count.
    """

    def __init__(self, classes: int, ignored: int) -> None:
        self.stitched, self.windows, self.confident = (
            SegmentationMetrics(classes, ignored) for _ in range(3)
        )
        self.ignored = ignored
        self.trusted: list[float] = []

    def add(self, batch: PanoramaBatch, labels: Tensor, teacher: Tensor, fusion: Fusion) -> None:
        """Fuse a panorama and count.

        Args:
            batch: with masks; of crossed windows, the first family is used.
            labels: of the batch, ``(B, H, W)``.
            teacher: S_i, ``(B, N, K, h, w)``.
            fusion: what is measured.
        """
        assert batch.masks is not None  # noqa: S101  # the data module was told to read them
        windows = batch.windows.families[0]
        (fused,) = fuse(
            fusion,
            (teacher,),
            windows.stitch(teacher),
            batch.masks[:1],
            windows,
            whole_masks=batch.whole_masks,
        )
        truth, said = windows.extract(labels)[0], fused.label[0].long()
        self.stitched.update(windows.stitch(fused.ensemble), labels)
        self.windows.update(said, truth)
        self.confident.update(said, truth.where(fused.weight[0] > 0, self.ignored))
        self.trusted.append(fused.weight.float().mean().item())

    def score(self) -> Quality:
        """The quality of everything counted."""
        stitched, windows, confident = (
            each.compute() for each in (self.stitched, self.windows, self.confident)
        )
        return Quality(
            miou=stitched.miou.item(),
            windows_miou=windows.miou.item(),
            trusted_miou=confident.miou.item(),
            trusted=sum(self.trusted) / len(self.trusted),
            iou=stitched.iou.tolist(),
        )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="of a rectification")
    parser.add_argument("--teacher_assistant", nargs="+", required=True, metavar="NAME=WEIGHTS")
    parser.add_argument("--split", choices=["val", "test"], default="val")
    parser.add_argument("--root", help="of the panoramas, instead of the configuration's")
    parser.add_argument("--mask_root", help="of their masks, instead of the configuration's")
    parser.add_argument("--out", type=Path, help="the table as Markdown")
    arguments = parser.parse_args()

    config = read_preset(arguments.config)
    given = {"root": arguments.root, "mask_root": arguments.mask_root}
    options = config["data"]["init_args"] | {key: value for key, value in given.items() if value}
    data = PanoramaDataModule(**options | {"mask_splits": [arguments.split], "eval_batch_size": 1})
    teachers = {}
    for each in arguments.teacher_assistant:
        name, _, weights = each.rpartition("=")
        teachers[name or Path(weights).parent.name] = SegmentationNetwork(weights=weights).eval()
    configured = config["model"]["init_args"].get("teachers", {})
    fusions = known_fusions(configured.get("fusion"))
    scale = configured.get("window_scale", 1.0)
    qualities = measure(data, arguments.split, teachers, fusions, scale)

    Console().print(table_of(qualities, f"labels of {arguments.split}, mIoU in percent"))
    if arguments.out is not None:
        arguments.out.write_text(as_markdown(qualities), encoding="utf-8")
    report = {
        teacher: {fusion: quality._asdict() for fusion, quality in by_fusion.items()}
        for teacher, by_fusion in qualities.items()
    }
    print(json.dumps({"split": arguments.split, "quality": report}))


def known_fusions(
    configured: dict[str, Any] | None, priors: Sequence[float] = ()
) -> dict[str, Fusion]:
    """What is compared: nothing, the papers' baselines, CTCF as drawn and softened, and ours.

    Args:
        configured: the fusion of a configuration. Of a CTCF, each constant that differs from the
            drawing is compared alone, too.
        priors: of a TrustedPool, other values of its prior to compare.

    Raises:
        ValueError: priors are asked for, and the fusion has none.
    """
    fusions: dict[str, Fusion] = {
        "none": NoFusion(),
        "majority vote": MajorityVote(),
        "SSA": SSA(),
        "SEPL": SEPL(),
        "CTCF as drawn": CTCF(),
        "CTCF v2 as drawn": CTCFv2(),
        "CTCF softened": CTCF(distinct_share=0.1, instance_weight=0.3, votes="softmax"),
    }
    if configured is None:
        return fusions
    ours: Fusion = instantiate_class((), configured)
    if isinstance(ours, CTCF):
        for field in fields(CTCF):
            value = getattr(ours, field.name)
            if value != field.default:
                fusions[f"CTCF with {field.name} {value}"] = replace(CTCF(), **{field.name: value})
    fusions[f"{type(ours).__name__} as configured"] = ours
    if isinstance(ours, TrustedPool):
        return fusions | {f"prior {each:g}": replace(ours, prior=each) for each in priors}
    if priors:
        raise ValueError(f"priors are of a TrustedPool, and the fusion is a {type(ours).__name__}")
    return fusions


@torch.no_grad()
def measure(
    data: PanoramaDataModule,
    split: str,
    teachers: dict[str, SegmentationNetwork],
    fusions: dict[str, Fusion],
    scale: float,
) -> dict[str, dict[str, Quality]]:
    """Quality by teacher assistant and fusion.

    Args:
        data: not yet set up.
        split: ``val`` or ``test``.
        teachers: networks by name.
        fusions: by name.
        scale: windows are enlarged by this factor for the networks.
    """
    classes, ignored = len(data.taxonomy.classes), data.taxonomy.ignore_index
    tallies = {
        teacher: {fusion: Tally(classes, ignored) for fusion in fusions} for teacher in teachers
    }
    for batch, labels in labelled(data, split):
        for teacher, network in teachers.items():
            said = map_windows(network, batch.image, batch.windows.families[0], scale).softmax(
                dim=2
            )  # S_i
            for name, fusion in fusions.items():
                tallies[teacher][name].add(batch, labels, said, fusion)
    return {
        teacher: {fusion: tally.score() for fusion, tally in by_fusion.items()}
        for teacher, by_fusion in tallies.items()
    }


def labelled(data: PanoramaDataModule, split: str) -> Iterator[tuple[PanoramaBatch, Tensor]]:
    """Panoramas one by one, with their labels.

    Raises:
        ValueError: they have none.
    """
    data.setup("validate" if split == "val" else "test")
    loader = data.val_dataloader() if split == "val" else data.test_dataloader()
    for batch in cast("Iterable[PanoramaBatch]", loader):
        if batch.label is None:
            raise ValueError(f"{data.root} has no labels for {split}, which quality is told by")
        yield batch, batch.label


def table_of(qualities: dict[str, dict[str, Quality]], title: str) -> Table:
    """For the console."""
    table = Table(*header(), title=title)
    for row in rows(qualities):
        table.add_row(*row)
    return table


def as_markdown(qualities: dict[str, dict[str, Quality]]) -> str:
    """For a page."""
    names = header()
    lines = [names, ["---"] * 2 + ["---:"] * (len(names) - 2), *rows(qualities)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def header() -> list[str]:
    """Names of the columns."""
    return ["teacher assistant", "fusion", "E", "E, windows", "E_H, windows", "trusted"]


def rows(qualities: dict[str, dict[str, Quality]]) -> list[list[str]]:
    """One for each teacher assistant and fusion, in percent."""
    return [
        [teacher, fusion, *(f"{100 * value:.2f}" for value in quality[:-1])]
        for teacher, by_fusion in qualities.items()
        for fusion, quality in by_fusion.items()
    ]


if __name__ == "__main__":
    main()
