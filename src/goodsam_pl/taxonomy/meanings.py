"""Which class of one published set means which class of another."""

from __future__ import annotations

from goodsam_pl.taxonomy.known import CITYSCAPES_13, STANFORD_8

__all__ = ["MEANINGS"]

_CAMVID_TO_CITYSCAPES = {
    "sky": "sky",
    "building": "building",
    "pole": "pole",
    "road": "road",
    "pavement": "sidewalk",
    "tree": "vegetation",
    # SegNet's group holds a few traffic lights and much lettering too; signs are the most of it
    "sign symbol": "traffic sign",
    "fence": "fence",
    "car": "car",
    "pedestrian": "person",
    # "bicyclist" is the rider and the bicycle in one, no class of Cityscapes means that
}
_CITYSCAPES_TO_CAMVID = {
    **{theirs: ours for ours, theirs in _CAMVID_TO_CITYSCAPES.items()},
    # as SegNet merged CamVid's 32 classes into 11
    "wall": "building",
    "traffic light": "sign symbol",
    "truck": "car",
    "bus": "car",
    "rider": "bicyclist",
    "motorcycle": "bicyclist",
    "bicycle": "bicyclist",
}
_CITYSCAPES_TO_13 = {
    **{name: name for name in CITYSCAPES_13},
    "rider": "person",
    "truck": "car",
    "bus": "car",
    "motorcycle": "car",
    "bicycle": "car",
}
_CITYSCAPES_TO_WILDPASS = {
    name: name for name in ("car", "truck", "bus", "road", "sidewalk", "person")
}
_CITYSCAPES_TO_VOC = {
    "person": "person",
    "rider": "person",
    "car": "car",
    "bus": "bus",
    "train": "train",
    "motorcycle": "motorbike",
    "bicycle": "bicycle",
}

MEANINGS: dict[tuple[str, str], dict[str, str]] = {
    ("cityscapes-19", "cityscapes-13"): _CITYSCAPES_TO_13,
    ("cityscapes-19", "wildpass-8"): _CITYSCAPES_TO_WILDPASS,
    ("cityscapes-19", "camvid-11"): _CITYSCAPES_TO_CAMVID,
    ("cityscapes-19", "voc-21"): _CITYSCAPES_TO_VOC,
    ("camvid-11", "cityscapes-19"): _CAMVID_TO_CITYSCAPES,
    ("camvid-11", "cityscapes-13"): _CAMVID_TO_CITYSCAPES,
    # a crosswalk is road and a curb is sidewalk in Cityscapes' labelling policy
    ("wildpass-8", "cityscapes-19"): {
        **{name: name for name in _CITYSCAPES_TO_WILDPASS},
        "crosswalk": "road",
        "curb": "sidewalk",
    },
    ("wildpass-8", "cityscapes-13"): {
        "car": "car",
        "truck": "car",
        "bus": "car",
        "road": "road",
        "crosswalk": "road",
        "sidewalk": "sidewalk",
        "curb": "sidewalk",
        "person": "person",
    },
    ("voc-21", "cityscapes-19"): {
        "person": "person",
        "car": "car",
        "bus": "bus",
        "train": "train",
        "motorbike": "motorcycle",
        "bicycle": "bicycle",
    },
    ("stanford2d3d-13", "stanford2d3d-8"): {name: name for name in STANFORD_8},
}
"""Class names of the target by those of the source, for each pair that has a translation."""
