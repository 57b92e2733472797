"""The class sets of the field, with their published colours and ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from goodsam_pl.taxonomy.class_set import IGNORE_INDEX, Color, Taxonomy, voc_palette

__all__ = ["CITYSCAPES_13", "CITYSCAPES_TRAIN_IDS", "STANFORD_8", "TAXONOMIES"]

_CITYSCAPES: dict[str, Color] = {
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}
CITYSCAPES_13 = (*tuple(_CITYSCAPES)[:11], "person", "car")
_CAMVID: dict[str, Color] = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign symbol": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
_WILDPASS: dict[str, Color] = {
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "person": (220, 20, 60),
    "curb": (196, 196, 196),
    "crosswalk": (200, 128, 128),
}
_VOC = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "dining table",
    "dog",
    "horse",
    "motorbike",
    "person",
    "potted plant",
    "sheep",
    "sofa",
    "train",
    "tv monitor",
)
_COCO = (
    "background",
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    *("traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog"),
    *("horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella"),
    *("handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite"),
    *("baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle"),
    *("wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich"),
    *("orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch"),
    *("potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote"),
    *("keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book"),
    *("clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"),
)
"""COCO's 80 things in the order of their ids, which have gaps; here they have none."""
_STANFORD: dict[str, Color] = {
    "beam": (241, 180, 82),
    "board": (60, 160, 220),
    "bookcase": (140, 86, 75),
    "ceiling": (200, 220, 235),
    "chair": (220, 60, 60),
    "clutter": (110, 110, 110),
    "column": (235, 120, 30),
    "door": (120, 70, 160),
    "floor": (160, 200, 110),
    "sofa": (230, 120, 190),
    "table": (30, 130, 80),
    "wall": (215, 200, 160),
    "window": (60, 220, 230),
}
STANFORD_8 = ("ceiling", "chair", "door", "floor", "sofa", "table", "wall", "window")

TAXONOMIES: dict[str, Taxonomy] = {
    taxonomy.name: taxonomy
    for taxonomy in (
        Taxonomy("cityscapes-19", tuple(_CITYSCAPES), tuple(_CITYSCAPES.values())),
        Taxonomy(
            "cityscapes-13", CITYSCAPES_13, tuple(_CITYSCAPES[name] for name in CITYSCAPES_13)
        ),
        Taxonomy("wildpass-8", tuple(_WILDPASS), tuple(_WILDPASS.values())),
        Taxonomy("camvid-11", tuple(_CAMVID), tuple(_CAMVID.values())),
        Taxonomy("voc-21", _VOC, voc_palette(21)),
        Taxonomy("coco-81", _COCO, voc_palette(81)),
        Taxonomy("stanford2d3d-13", tuple(_STANFORD), tuple(_STANFORD.values())),
        Taxonomy("stanford2d3d-8", STANFORD_8, tuple(_STANFORD[name] for name in STANFORD_8)),
    )
}
"""All class sets by name.

Cityscapes has the official palette. ``cityscapes-13`` is the protocol of Trans4PASS+ and DATR
(CS13 to DP13). ``camvid-11`` is the SegNet split in its order and colours. ``wildpass-8`` borrows
Cityscapes' colours, curb and crosswalk are drawn in those of Mapillary Vistas. ``stanford2d3d-8``
are the eight classes that panoramas and pinhole images share (SPin8 to SPan8); the indoor colours
are our choice. ``coco-81`` has 0 for background and COCO's things as 1 to 80, in colours of VOC.
"""


def _cityscapes_train_ids() -> npt.NDArray[np.uint8]:
    """Cityscapes' labelIds of the 19 evaluated classes, in trainId order; all others are void."""
    evaluated = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    table = np.full(256, IGNORE_INDEX, dtype=np.uint8)
    table[list(evaluated)] = np.arange(len(evaluated), dtype=np.uint8)
    return table


CITYSCAPES_TRAIN_IDS = _cityscapes_train_ids()
"""``(256,)`` uint8: labelId (``*_gtFine_labelIds.png``) to trainId, 255 for void classes."""
CITYSCAPES_TRAIN_IDS.flags.writeable = False
