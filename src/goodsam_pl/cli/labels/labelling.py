"""One image after the other: masks by words, one label a pixel, pictures and a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.callbacks.prediction_outcome import shares_by_class
from goodsam_pl.cli.labels.label_pictures import label_pictures, picture_kinds
from goodsam_pl.cli.labels.label_work import SeenImage
from goodsam_pl.cli.labels.looking import Look, cut_windows
from goodsam_pl.cli.labels.teacher import TeacherLabels, classes_there
from goodsam_pl.cli.labels.thing_records import found_boxes, thing_record
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.files import read_image
from goodsam_pl.files import content_key
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.class_labels import (
    UNCLAIMED,
    Evidence,
    OverlapRule,
    claimed_share,
    label_pixels,
)
from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptProposer
from goodsam_pl.masks.image_labels import ImageLabels, plain_word
from goodsam_pl.masks.joined_concepts import join_concepts
from goodsam_pl.masks.joined_evidence import join_evidence
from goodsam_pl.taxonomy import BACKGROUND, IGNORE_INDEX, Taxonomy

__all__ = ["Labelling", "Unclaimed", "concepts_of"]

Unclaimed = Literal["void", "background", "ta"]
"""What pixels become that no mask claims."""


def concepts_of(taxonomy: Taxonomy) -> tuple[Concept, ...]:
    """The classes of a set that can be asked for, with their words.

    Raises:
        ValueError: there is none.
    """
    words = {name: taxonomy.words_for(name) for name in taxonomy.classes}
    concepts = tuple(Concept(name, phrases) for name, phrases in words.items() if phrases)
    if not concepts:
        raise ValueError(f"taxonomy {taxonomy.name!r} has no class that can be asked for by words")
    return concepts


@dataclass(frozen=True)
class Labelling:
    """How images are labelled.

    Attributes:
        taxonomy: classes of the labels.
        proposer: finds masks by words.
        rule: who gets a pixel that several masks claim.
        unclaimed: what other pixels become.
        look: the windows.
        agreement: least IoU of two windows' masks of one thing where both see it.
        teacher: says which classes are there, and what nothing claims; ``None`` for nobody.
        least_share: classes to which the teacher gives no larger share of the pixels are not asked
            for; ``None`` and 0 ask for all.
        image_labels: says which classes are in an image; ``None`` for nobody.
        overlay_width: overlays are at most so wide, pixels; 0 for none.
    """

    taxonomy: Taxonomy
    proposer: ConceptProposer
    rule: OverlapRule
    unclaimed: Unclaimed
    look: Look
    agreement: float
    teacher: TeacherLabels | None
    least_share: float | None
    image_labels: ImageLabels | None
    overlay_width: int

    def describe(self) -> dict[str, Any]:
        """Everything that decides about labels besides the images."""
        size, stride, wrap = self.look
        return {
            "proposer": self.proposer.describe(),
            "classes": self.taxonomy.to_dict(),
            "words": {each.name: list(each.phrases) for each in concepts_of(self.taxonomy)},
            "rule": self.rule,
            "unclaimed": self.unclaimed,
            "window_size": size,
            "window_stride": stride,
            "panorama": wrap,
            "agreement": self.agreement,
            "teacher": None if self.teacher is None else self.teacher.sha256,
            "least_share": self.least_share,
            "image_labels": None if self.image_labels is None else self.image_labels.describe(),
            "overlay_width": self.overlay_width,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """Folders of pictures."""
        return picture_kinds(self.overlay_width)

    def read(self, entry: Entry) -> SeenImage:
        """Read an image, and let the teacher look at it.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is broken, or not of the teacher's field of view.
        """
        key = content_key(entry.image)
        taught = None if self.teacher is None else self.teacher.look(entry.image)
        return SeenImage(entry.name, key, read_image(entry.image), taught)

    def label(self, image: SeenImage) -> tuple[Mapping[str, bytes], dict[str, Any]]:
        """Pictures of an image, by their kind, and its record.

        Raises:
            ValueError: the proposer has no answer to it.
        """
        concepts = self._asked(image)
        pixels = torch.from_numpy(image.pixels).permute(2, 0, 1).contiguous()
        windows, grid = cut_windows(image.name, pixels, self.look)
        found = self.proposer.propose(windows, concepts) if concepts else []
        masks = join_concepts(found, grid, self.agreement) if concepts else []
        evidence = self._evidence(found, grid)
        places = label_pixels(masks, grid.image_size, self.rule, evidence)
        label = self._filled(places, concepts, image.taught)
        pictures = label_pictures(image.pixels, label, self.taxonomy, self.overlay_width)
        record = {
            "image": image.name,
            "sha256": image.sha256,
            "size": list(grid.image_size),
            "claimed": round(claimed_share(places), 6),
            "shares": shares_by_class(label, self.taxonomy),
            "things": [thing_record(mask, grid.image_size, concepts) for mask in masks],
            "found": found_boxes(found, grid, concepts),
        }
        return pictures, record

    def _evidence(self, found: Sequence[ConceptMasks], grid: WindowGrid) -> Evidence | None:
        """Of each class, where the rule asks for it and the proposer says so."""
        if self.rule != "evidence" or any(each.evidence is None for each in found):
            return None
        return partial(join_evidence, found, grid)

    def _asked(self, image: SeenImage) -> tuple[Concept, ...]:
        """The classes that somebody says are there."""
        concepts = concepts_of(self.taxonomy)
        if image.taught is not None and self.least_share:
            there = classes_there(image.taught, self.least_share)
            concepts = tuple(each for each in concepts if self.taxonomy.index(each.name) in there)
        if self.image_labels is None:
            return concepts
        named = self.image_labels.classes(image.name)
        return tuple(
            each
            for each in concepts
            if named & {plain_word(phrase) for phrase in (each.name, *each.phrases)}
        )

    def _filled(
        self,
        places: NDArray[np.int16],
        concepts: tuple[Concept, ...],
        taught: NDArray[np.uint8] | None,
    ) -> NDArray[np.uint8]:
        """TrainIds, and what unclaimed pixels become."""
        table = np.array([self.taxonomy.index(each.name) for each in concepts] + [IGNORE_INDEX])
        label = table[places].astype(np.uint8)  # the last one is that of UNCLAIMED
        left = places == UNCLAIMED
        if self.unclaimed == "background":
            label[left] = self.taxonomy.index(BACKGROUND)
        elif self.unclaimed == "ta" and taught is not None:
            label[left] = taught[left]
        return label
