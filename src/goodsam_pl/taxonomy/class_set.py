"""What a set of classes is: names, colours, and what they mean elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BACKGROUND", "IGNORE_INDEX", "MOST_CLASSES", "Color", "Taxonomy", "voc_palette"]

IGNORE_INDEX = 255
"""The trainId of pixels that are neither learned nor scored (void)."""

MOST_CLASSES = 254
"""Class ids are kept in 8 bits, in which 255 is void, and scoring needs one for "none of them"."""

BACKGROUND = "background"
"""The class, where a set has one, of whatever is none of the others; nobody can ask for it."""

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Taxonomy:
    """A set of classes; the place of a class in ``classes`` is its trainId.

    Attributes:
        name: how configurations and panels call it.
        classes: class names, trainId order.
        palette: one RGB colour per class.
        ignore_index: the trainId of void pixels, drawn black.
        ids: what label files hold for each class, in the same order; ``None`` for trainIds.
        void_ids: what label files hold, besides ``ignore_index``, where nothing is to be learned.
        meanings: for each set that labels of this one can be told in, its class names by ours.
        sources: for each set whose labels can be told in this one, our class names by its.
        phrases: the words that some classes are asked for with, by their names; see
            :meth:`words_for`. Two sets that differ in them alone are equal.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[Color, ...]
    ignore_index: int = IGNORE_INDEX
    ids: tuple[int, ...] | None = None
    void_ids: tuple[int, ...] = ()
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self._check_classes()
        if self.ids is not None:
            self._check_ids(self.ids)
        self._check_void_ids()
        for other in (*self.meanings.values(), *self.sources.values()):
            if not all(isinstance(each, str) for pair in other.items() for each in pair):
                raise ValueError(f"taxonomy {self.name!r}: a class is translated by its name")
        for name in (
            *(ours for table in self.meanings.values() for ours in table),
            *(ours for table in self.sources.values() for ours in table.values()),
        ):
            self.index(name)
        self._check_phrases()

    def words_for(self, class_name: str) -> tuple[str, ...]:
        """What a model that finds things by words is asked for this class.

        Returns:
            Its phrases; its name where it has none of its own. Nothing for a class that is not
            asked for: one with an empty list of phrases, and ``background``, which is what is left.
        """
        usual = () if class_name == BACKGROUND else (class_name,)
        return self.phrases.get(class_name, usual)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for files that others read; see :meth:`from_dict`."""
        return {
            "name": self.name,
            "classes": list(self.classes),
            "palette": [list(color) for color in self.palette],
            "ids": None if self.ids is None else list(self.ids),
            "void_ids": list(self.void_ids),
            "meanings": {name: dict(table) for name, table in self.meanings.items()},
            "sources": {name: dict(table) for name, table in self.sources.items()},
            # only where there are some: what was written before stays the same
            **(
                {"phrases": {name: list(each) for name, each in self.phrases.items()}}
                if self.phrases
                else {}
            ),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Taxonomy:
        """Build what :meth:`to_dict` wrote, wherever it comes from.

        Raises:
            ValueError: it is not of that form.
        """
        try:
            ids = content["ids"]
            return cls(
                name=content["name"],
                classes=_listed(content["classes"]),
                palette=tuple((red, green, blue) for red, green, blue in content["palette"]),
                ids=None if ids is None else _listed(ids),
                void_ids=_listed(content["void_ids"]),
                meanings={name: dict(each) for name, each in content["meanings"].items()},
                sources={name: dict(each) for name, each in content["sources"].items()},
                phrases={name: _listed(each) for name, each in content.get("phrases", {}).items()},
            )
        except KeyError as error:
            raise ValueError(f"not the description of a taxonomy: no {error}") from error
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not the description of a taxonomy: {error}") from error

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

    def _check_classes(self) -> None:
        count = len(self.classes)
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"the name of a taxonomy is a text, not {self.name!r}")
        if not 1 <= count <= MOST_CLASSES:
            raise ValueError(
                f"taxonomy {self.name!r} has {count} classes; 1 to {MOST_CLASSES} fit beside void "
                "in a label file of 8 bits"
            )
        for name in self.classes:
            if not isinstance(name, str) or not name.strip():
                raise ValueError(f"taxonomy {self.name!r}: {name!r} is no class name, give a text")
            if self.classes.count(name) > 1:
                raise ValueError(f"taxonomy {self.name!r} has the class {name!r} twice")
        if count != len(self.palette):
            raise ValueError(
                f"taxonomy {self.name!r} has {count} classes and {len(self.palette)} colours: "
                "give one colour per class"
            )
        for name, color in zip(self.classes, self.palette, strict=True):
            if not all(_is_byte(channel) for channel in color):
                raise ValueError(
                    f"taxonomy {self.name!r}: the colour of {name!r} is {list(color)}; give red, "
                    "green and blue of 0 to 255"
                )

    def _check_ids(self, ids: tuple[int, ...]) -> None:
        if len(ids) != len(self.classes):
            raise ValueError(
                f"taxonomy {self.name!r} has {len(self.classes)} classes and {len(ids)} ids: give "
                "one id per class, or none at all"
            )
        for name, number in zip(self.classes, ids, strict=True):
            if not _is_byte(number) or number == self.ignore_index:
                raise ValueError(
                    f"taxonomy {self.name!r}: the id of {name!r} is {number!r}; give 0 to 254, as "
                    f"{self.ignore_index} is void"
                )
            if ids.count(number) > 1:
                raise ValueError(f"taxonomy {self.name!r} has the id {number} twice")

    def _check_void_ids(self) -> None:
        ids = range(len(self.classes)) if self.ids is None else self.ids
        for number in self.void_ids:
            if not _is_byte(number) or number in ids:
                raise ValueError(
                    f"taxonomy {self.name!r}: {number!r} cannot be a void id; give 0 to 255, and "
                    "none that is a class's"
                )

    def _check_phrases(self) -> None:
        for name, phrases in self.phrases.items():
            self.index(name)
            if not all(isinstance(each, str) and each.strip() for each in phrases):
                raise ValueError(
                    f"taxonomy {self.name!r}: the phrases of {name!r} are {list(phrases)}; give "
                    "texts"
                )
        owner: dict[str, str] = {}
        for name in self.classes if self.phrases else ():
            for phrase in self.words_for(name):
                other = owner.setdefault(phrase.casefold().strip(), name)
                if other != name:
                    raise ValueError(
                        f"taxonomy {self.name!r}: the phrase {phrase!r} asks for {other!r} and for "
                        f"{name!r}: give it to one of them"
                    )


def _listed(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{values!r} is no list")
    return tuple(values)


def _is_byte(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


def voc_palette(count: int) -> tuple[Color, ...]:
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
