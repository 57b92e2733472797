"""A few synthetic photographs in the layouts that PASCAL VOC 2012 and MS-COCO 2014 are released in.

Each shows one thing as a square of a colour of its own on a grey ground.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 48, 64


class Thing(NamedTuple):
    """Where the square of a photograph is, and what it is.

    Attributes:
        name: of the photograph.
        class_name: as the data set writes it.
        number: its class id in label files.
        left: of the square, pixels.
        side: of the square, pixels.
    """

    name: str
    class_name: str
    number: int
    left: int
    side: int = 24

    @property
    def label(self) -> NDArray[np.uint8]:
        """Class ids ``(H, W)``, 0 for the ground."""
        label = np.zeros((HEIGHT, WIDTH), np.uint8)
        label[12 : 12 + self.side, self.left : self.left + self.side] = self.number
        return label

    @property
    def box(self) -> list[int]:
        """Left, top, width and height."""
        return [self.left, 12, self.side, self.side]

    @property
    def polygon(self) -> list[int]:
        """The corners, x and y in turn."""
        right, bottom = self.left + self.side, 12 + self.side
        return [self.left, 12, right, 12, right, bottom, self.left, bottom]

    def save_photograph(self, path: Path) -> None:
        """Write the picture."""
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        pixels[self.label > 0] = [(self.number * step) % 256 for step in (97, 31, 200)]
        Image.fromarray(pixels).save(path)


VOC = {
    "train": (
        Thing("2007_000032", "aeroplane", 1, 4),
        Thing("2007_000039", "tvmonitor", 20, 30),
    ),
    "val": (Thing("2007_000033", "aeroplane", 1, 20),),
}
COCO = {
    "train": (Thing("000000000009", "person", 1, 4), Thing("000000000025", "toothbrush", 80, 30)),
    "val": (Thing("000000000042", "toothbrush", 80, 20),),
}
COCO_CATEGORIES = {1: "person", 90: "toothbrush"}
"""Two of COCO's, by the ids that its files have."""


def write_voc(root: Path) -> None:
    """As the folder ``VOC2012``, with SBD's list and labels."""
    from goodsam_pl.taxonomy import get_taxonomy  # noqa: PLC0415  # after the path is set

    palette = np.array(get_taxonomy("voc-21").palette, np.uint8).tobytes()
    lists = {split: [thing.name for thing in things] for split, things in VOC.items()}
    lists |= {"trainval": lists["train"] + lists["val"], "train_aug": lists["train"]}
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    for name, held in lists.items():
        (root / f"ImageSets/Segmentation/{name}.txt").write_text("".join(f"{x}\n" for x in held))
    (root / "Annotations").mkdir()
    for thing in (*VOC["train"], *VOC["val"]):
        thing.save_photograph(root / f"JPEGImages/{thing.name}.jpg")
        (root / f"Annotations/{thing.name}.xml").write_text(
            f"<annotation><filename>{thing.name}.jpg</filename>"
            f"<object><name>{thing.class_name}</name></object></annotation>"
        )
        for folder in ("SegmentationClass", "SegmentationClassAug"):
            (root / folder).mkdir(exist_ok=True)
            picture = Image.fromarray(thing.label)
            picture.putpalette(palette)
            picture.save(root / folder / f"{thing.name}.png")


def write_coco(root: Path) -> None:
    """``images/{train,val}2014`` and ``annotations/instances_{train,val}2014.json``."""
    (root / "annotations").mkdir(parents=True)
    numbers = {name: number for number, name in COCO_CATEGORIES.items()}
    for split, things in COCO.items():
        content: dict[str, list[object]] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": n, "name": name} for n, name in COCO_CATEGORIES.items()],
        }
        for index, thing in enumerate(things):
            name = f"COCO_{split}2014_{thing.name}.jpg"
            thing.save_photograph(root / f"images/{split}2014/{name}")
            content["images"].append(
                {"id": int(thing.name), "file_name": name, "height": HEIGHT, "width": WIDTH}
            )
            content["annotations"].append(
                {
                    "id": index + 1,
                    "image_id": int(thing.name),
                    "category_id": numbers[thing.class_name],
                    "bbox": thing.box,
                    "area": thing.side**2,
                    "iscrowd": 0,
                    "segmentation": [thing.polygon],
                }
            )
        (root / f"annotations/instances_{split}2014.json").write_text(json.dumps(content))


def write_boxes(path: Path, things: tuple[Thing, ...], class_names: dict[str, str]) -> None:
    """Boxes around things as somebody would draw them, as COCO has it.

    Args:
        path: of the file.
        things: of photographs.
        class_names: what these call a class, where they do not take the data set's word.
    """
    names = sorted({class_names.get(thing.class_name, thing.class_name) for thing in things})
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "images": [
            {"id": index, "file_name": f"{thing.name}.jpg", "height": HEIGHT, "width": WIDTH}
            for index, thing in enumerate(things)
        ],
        "annotations": [
            {
                "id": index,
                "image_id": index,
                "category_id": names.index(class_names.get(thing.class_name, thing.class_name)),
                "bbox": thing.box,
            }
            for index, thing in enumerate(things)
        ],
        "categories": [{"id": index, "name": name} for index, name in enumerate(names)],
    }
    path.write_text(json.dumps(content))
