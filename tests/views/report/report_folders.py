"""Folders that a report is made of, small, with values that can be told on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from goodsam_pl.views.stage_folder import Stage, StageFolder

CLASSES = ("road", "sky", "car")
PALETTE = ((128, 64, 128), (70, 130, 180), (0, 0, 142))
SIZE = (64, 128)
"""Height and width of the panoramas, pixels."""


def scored_run(folder: Path, road: float = 0.9) -> Path:
    """The folder of a run that was tested and logged to a table."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("model:\n", "utf-8")
    table = f"class,pixels,iou\nroad,300,{road}\nsky,100,0.5\nmean,400,{(road + 0.5) / 2}\n"
    (folder / "test_classes.csv").write_text(table, "utf-8")
    log = "step,train/loss,val/miou\n1,2.5,\n3,1.5,0.25\n5,1.0,0.35\n"
    (folder / "metrics.csv").write_text(log, "utf-8")
    return folder


def experiment(folder: Path) -> Path:
    """What `goodsam ablate` leaves."""
    folder.mkdir(parents=True)
    runs = {
        f"goodsam / {name} / seed {seed}": {"miou": {"student": 40.0 + seed + len(name)}}
        for name in ("full", "no masks")
        for seed in (0, 1)
    }
    (folder / "ablation.json").write_text(json.dumps(runs), "utf-8")
    return folder


def grey(*rgb: int) -> np.ndarray:
    """A picture of one colour."""
    return np.full((*SIZE, 3), rgb, np.uint8)


def halves(above: int, below: int) -> np.ndarray:
    """Ids, of the upper and of the lower half."""
    ids = np.full(SIZE, below, np.uint8)
    ids[: SIZE[0] // 2] = above
    return ids


def stages(root: Path, name: str = "a", vertical_fov: float = 180.0) -> Path:
    """A photograph of one grey, masks to the right alone, and labels that differ in parts."""
    masks = grey(0, 0, 0)
    masks[:, SIZE[1] // 2 :] = (255, 0, 0)
    student = halves(1, 0)
    student[:, SIZE[1] // 2 :] = 2  # right of straight ahead, everything is a car
    truth = halves(1, 0)
    truth[: SIZE[0] // 2, SIZE[1] // 2 :] = 2
    shown = [
        Stage("Panorama", "image", grey(100, 100, 100)),
        Stage("SAM masks", "masks", masks),
        Stage("Teacher assistant", "labels", halves(1, 0)),
        Stage("Weights M", "weight", np.full(SIZE, 200, np.uint8)),
        Stage("Student", "labels", student),
        Stage("Ground truth", "labels", truth),
    ]
    StageFolder(name, vertical_fov, CLASSES, PALETTE, shown).save(root)
    return root


def predictions(root: Path, image: Path, name: str = "a", **settings: Any) -> Path:
    """What `goodsam predict` leaves of one panorama: sky above and road below, in the middle."""
    image.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey(90, 90, 90)).save(image)
    ids = halves(1, 0)
    ids[:16] = ids[48:] = 255
    (root / "labels").mkdir(parents=True)
    Image.fromarray(ids).save(root / "labels" / f"{name}.png")
    listed = zip(CLASSES, PALETTE, strict=True)
    classes = [
        {"id": place, "name": each, "colour": color} for place, (each, color) in enumerate(listed)
    ]
    summary = {
        "identity": {
            "taxonomy": {"name": "three", "classes": classes},
            "settings": {"vertical_fov": 90.0, "label_size": "file", **settings},
        },
        "images": [
            {
                "name": name,
                "image": str(image),
                "files": {"labels": f"labels/{name}.png"},
                "size": SIZE,
                "rows": (16, 48),
                "reason": None,
            },
            {"name": "broken", "image": "b.jpg", "files": {}, "reason": "cut off"},
        ],
    }
    (root / "summary.json").write_text(json.dumps(summary), "utf-8")
    return root
