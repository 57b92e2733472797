"""Class sets, their colours, and tables that carry labels from one set to another.

A label image holds trainIds: 0 to K-1 in the order of ``Taxonomy.classes``, 255 where nothing is
to be learned or scored. Translation goes by the meaning of a class; where the other set has no
class of that meaning, the result is 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "CITYSCAPES_TRAIN_IDS",
    "IGNORE_INDEX",
    "TAXONOMIES",
    "Taxonomy",
    "get_taxonomy",
    "remap_table",
]

IGNORE_INDEX = 255
"""The trainId of pixels that are neither learned nor scored (void)."""

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Taxonomy:
    """A set of classes; the place of a class in ``classes`` is its trainId.

    Attributes:
        name: how configurations call it.
        classes: class names, trainId order.
        palette: one RGB colour per class.
        ignore_index: the trainId of void pixels, drawn black.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[Color, ...]
    ignore_index: int = IGNORE_INDEX

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.palette):
            raise ValueError(
                f"taxonomy {self.name!r} has {len(self.classes)} classes and "
                f"{len(self.palette)} colours: give one colour per class"
            )

    def index(self, class_name: str) -> int:
        """TrainId of a class.

        Raises:
            ValueError: the taxonomy has no such class.
        """
        if class_name not in self.classes:
            raise ValueError(
                f"{self.name} has no class {class_name!r}; it has {', '.join(self.classes)}"
            )
        return self.classes.index(class_name)

    def colorize(self, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        """Paint trainIds in the colours of the palette.

        Args:
            labels: ``(H, W)`` integers in 0..K-1 or ``ignore_index``.

        Returns:
            RGB ``(H, W, 3)`` uint8; void is black.

        Raises:
            ValueError: an id that the taxonomy does not have.
        """
        labels = np.asarray(labels)
        unknown = (labels != self.ignore_index) & ((labels < 0) | (labels >= len(self.classes)))
        if unknown.any():
            raise ValueError(
                f"{self.name} has trainIds 0..{len(self.classes) - 1} and {self.ignore_index}, "
                f"the labels hold {int(labels[unknown][0])}"
            )
        colors = np.zeros((256, 3), dtype=np.uint8)
        colors[: len(self.palette)] = self.palette
        colors[self.ignore_index] = 0
        painted: npt.NDArray[np.uint8] = colors[labels]
        return painted


def get_taxonomy(name: str) -> Taxonomy:
    """Look a taxonomy up by its name.

    Raises:
        ValueError: the name is unknown; the message lists the known ones.
    """
    if name not in TAXONOMIES:
        raise ValueError(f"unknown taxonomy {name!r}; known: {', '.join(TAXONOMIES)}")
    return TAXONOMIES[name]


def remap_table(source: str, target: str) -> npt.NDArray[np.uint8]:
    """Table that turns trainIds of one taxonomy into those of another: ``table[labels]``.

    Args:
        source: name of the taxonomy of the labels at hand.
        target: name of the taxonomy wanted.

    Returns:
        ``(256,)`` uint8. Classes without a counterpart and all ids that ``source`` does not have
        become 255.

    Raises:
        ValueError: an unknown name, or two taxonomies between which no translation is defined; the
            message lists what is.
    """
    origin, goal = get_taxonomy(source), get_taxonomy(target)
    if source == target:
        meanings = {name: name for name in origin.classes}
    elif (source, target) in _MEANINGS:
        meanings = _MEANINGS[source, target]
    else:
        reachable = [pair[1] for pair in _MEANINGS if pair[0] == source]
        raise ValueError(
            f"labels of {source!r} cannot be expressed in {target!r}; from {source!r} one can go "
            f"to {', '.join([source, *reachable])}"
        )
    table = np.full(256, IGNORE_INDEX, dtype=np.uint8)
    for name, meaning in meanings.items():
        table[origin.index(name)] = goal.index(meaning)
    return table


def _voc_palette(count: int) -> tuple[Color, ...]:
    """Colours of Pascal VOC: the bits of the class id dealt out to R, G, B from the top bit on."""
    colors = []
    for class_id in range(count):
        channels = [0, 0, 0]
        for place in range(8):
            for channel in range(3):
                bit = (class_id >> (3 * place + channel)) & 1
                channels[channel] |= bit << (7 - place)
        colors.append((channels[0], channels[1], channels[2]))
    return tuple(colors)


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
_CITYSCAPES_13 = (*tuple(_CITYSCAPES)[:11], "person", "car")
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
_STANFORD_8 = ("ceiling", "chair", "door", "floor", "sofa", "table", "wall", "window")

TAXONOMIES: dict[str, Taxonomy] = {
    taxonomy.name: taxonomy
    for taxonomy in (
        Taxonomy("cityscapes-19", tuple(_CITYSCAPES), tuple(_CITYSCAPES.values())),
        Taxonomy(
            "cityscapes-13", _CITYSCAPES_13, tuple(_CITYSCAPES[name] for name in _CITYSCAPES_13)
        ),
        Taxonomy("wildpass-8", tuple(_WILDPASS), tuple(_WILDPASS.values())),
        Taxonomy("camvid-11", tuple(_CAMVID), tuple(_CAMVID.values())),
        Taxonomy("voc-21", _VOC, _voc_palette(21)),
        Taxonomy("stanford2d3d-13", tuple(_STANFORD), tuple(_STANFORD.values())),
        Taxonomy("stanford2d3d-8", _STANFORD_8, tuple(_STANFORD[name] for name in _STANFORD_8)),
    )
}
"""All class sets by name.

Cityscapes has the official palette. ``cityscapes-13`` is the protocol of Trans4PASS+ and DATR
(CS13 to DP13). ``camvid-11`` is the SegNet split in its order and colours. ``wildpass-8`` borrows
Cityscapes' colours, curb and crosswalk are drawn in those of Mapillary Vistas. ``stanford2d3d-8``
are the eight classes that panoramas and pinhole images share (SPin8 to SPan8); the indoor colours
are our choice.
"""

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
    **{name: name for name in _CITYSCAPES_13},
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

_MEANINGS: dict[tuple[str, str], dict[str, str]] = {
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
    ("stanford2d3d-13", "stanford2d3d-8"): {name: name for name in _STANFORD_8},
}


def _cityscapes_train_ids() -> npt.NDArray[np.uint8]:
    """Cityscapes' labelIds of the 19 evaluated classes, in trainId order; all others are void."""
    evaluated = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    table = np.full(256, IGNORE_INDEX, dtype=np.uint8)
    table[list(evaluated)] = np.arange(len(evaluated), dtype=np.uint8)
    return table


CITYSCAPES_TRAIN_IDS = _cityscapes_train_ids()
"""``(256,)`` uint8: labelId (``*_gtFine_labelIds.png``) to trainId, 255 for void classes."""
CITYSCAPES_TRAIN_IDS.flags.writeable = False
