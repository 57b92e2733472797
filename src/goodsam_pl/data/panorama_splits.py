"""The panoramas of each split: which files there are, and what is read beside them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import cast

from goodsam_pl.data.entries import Entry, MissingSplitError, Request, Split, list_entries
from goodsam_pl.data.folder_labels import FolderLabels
from goodsam_pl.data.inspection import InspectedSplit, can_be_opened, list_past_faults
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS, UNLABELLED_LAYOUTS
from goodsam_pl.data.panorama import (
    Augmentation,
    PanoramaDataset,
    StoredMasks,
    StoredTargets,
)
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.data.targets import TargetStore
from goodsam_pl.data.words import StoredWords, word_contents
from goodsam_pl.files import ContentKeys
from goodsam_pl.files.processes import learn_together
from goodsam_pl.geometry import Windows
from goodsam_pl.masks.store import MaskStore
from goodsam_pl.taxonomy import get_taxonomy

__all__ = ["PanoramaSplits"]

log = logging.getLogger(__name__)


@dataclass
class PanoramaSplits:
    """What was listed of a folder of panoramas, by role.

    A role is a split, or ``predict``, which stands for one of the splits without its labels.

    Attributes:
        layout: one of :data:`goodsam_pl.data.layouts.PANORAMA_LAYOUTS`.
        root: folder of the data set.
        label_taxonomy: name of the class set that label files of the ``plain`` layout are in.
        labels_in: name of the class set that labels are translated to.
        learned_in: name of the class set of the networks, and of labels to train on.
        pseudo_labels: folder of the labels to train on; ``None`` to train without.
        format: how files become arrays.
        windows: of every panorama.
        mask_root: folder of the mask store; ``None`` for panoramas without masks.
        mask_roles: the roles whose panoramas come with masks.
        words_root: where the things lie that words have found; ``None`` for panoramas without.
            They come with the masks.
        limit: list only the first so many panoramas of each split.
    """

    layout: str
    root: Path
    label_taxonomy: str
    labels_in: str
    learned_in: str
    pseudo_labels: Path | None
    format: PanoramaFormat
    windows: Windows
    mask_root: Path | None
    mask_roles: frozenset[str]
    words_root: Path | None
    limit: int | None
    _entries: dict[str, list[Entry]] = field(default_factory=dict, init=False)

    def __contains__(self, role: str) -> bool:
        return role in self._entries

    def load(self, role: str, split: Split) -> None:
        """List the files of a role once, and read the first if it comes without masks.

        Not of ``predict``: there a broken file is no reason to stop. What words have found is
        looked for at once, and the first of it read, before anyone computes masks.
        """
        if role in self:
            return
        request = Request(self.root, split, self.label_taxonomy)
        entries = list_entries(PANORAMA_LAYOUTS, self.layout, request)[: self.limit]
        if role == "predict":
            entries = [Entry(entry.image, None, None, entry.name) for entry in entries]
        if role == "train" and self.pseudo_labels is not None:
            entries = FolderLabels(self.pseudo_labels, self.learned_in).of(entries)
        if role != "predict" and (self.mask_root is None or role not in self.mask_roles):
            PanoramaDataset(entries[:1], self.format, self.windows, self._taxonomy_of(role))[0]
        if self._has_words(role):
            words = self._words(entries)
            if entries:
                words[0]
        self._entries[role] = entries

    def load_validation(self) -> None:
        """As :meth:`load` of ``val``, where there is such a split and it has labels."""
        if self.layout in UNLABELLED_LAYOUTS:
            return
        try:
            self.load("val", "val")
        except MissingSplitError as missing:
            log.info("training without validation: %s", missing)
            return
        if all(entry.label is None for entry in self._entries["val"]):
            log.info("training without validation: %s has no labels for it", self.root)
            del self._entries["val"]

    def inspected(self, split: Split) -> InspectedSplit:
        """All files of a split, whatever is wrong with them; masks are left aside."""
        labels = LabelReader(self.labels_in)
        request = Request(self.root, split, self.label_taxonomy)
        found = list_past_faults(PANORAMA_LAYOUTS, self.layout, request, self.labels_in, self.limit)
        if split == "train" and self.pseudo_labels is not None:
            replaced = FolderLabels(self.pseudo_labels, self.learned_in).expected(found.entries)
            found = found._replace(entries=replaced)
        return InspectedSplit(
            split,
            found,
            partial(self.format.read_labelled, labels=labels),
            get_taxonomy(self.labels_in).classes,
            image_probes=(
                ("broken", can_be_opened),
                ("aspect", self.format.locate),
                ("broken", self.format.read),
            ),
            labels=labels,
        )

    def has_masks(self, role: str) -> bool:
        """Whether a role was listed, and its panoramas come with masks."""
        return role in self and self.mask_root is not None and role in self.mask_roles

    def entries(self, role: str) -> list[Entry]:
        """What was listed of a role."""
        return self._entries[role]

    @property
    def listed(self) -> dict[str, list[Path]]:
        """The panoramas of all roles that were listed."""
        return {role: self.files(role) for role in self._entries}

    @cached_property
    def keys(self) -> ContentKeys:
        """Of files, by their content; kept beside the masks."""
        return ContentKeys(self.mask_root)

    def learn_keys(self, role: str) -> None:
        """Know the keys of a role's panoramas with masks; all processes take part.

        Not where there are no masks yet: whoever computes them learns the keys.
        """
        if self.has_masks(role) and MaskStore.is_at(cast("Path", self.mask_root)):
            learn_together(self.keys, self.files(role))

    def files(self, role: str) -> list[Path]:
        """The panoramas of a role that was listed."""
        return [entry.image for entry in self._entries[role]]

    def dataset(
        self,
        role: str,
        augmentation: Augmentation | None = None,
        targets: TargetStore | None = None,
    ) -> PanoramaDataset:
        """The panoramas of a role with masks and words, or with stored targets in their place."""
        files, entries = self.files(role), self._entries[role]
        masks = None
        if self.mask_root is not None and role in self.mask_roles and targets is None:
            masks = StoredMasks(self.mask_root, files, self.windows, self.format.view)
        words = self._words(entries) if self._has_words(role) and targets is None else None
        return PanoramaDataset(
            entries,
            self.format,
            self.windows,
            self._taxonomy_of(role),
            masks=masks,
            words=words,
            targets=None if targets is None else StoredTargets(targets, files, self.keys),
            augmentation=augmentation,
        )

    def one(self, path: Path, *, masks: bool) -> PanoramaDataset:
        """One panorama, with its label where it is of a split and has one there.

        Args:
            path: of a split, or any other file.
            masks: with its masks, and with what words have found, where that is asked for.

        Raises:
            FileNotFoundError: masks are asked for, and there is no store, or nothing of words.
            ValueError: the store is for other windows, or has no masks of it.
        """
        role, entry = self._find(path)
        stored = words = None
        if masks and self.mask_root is not None:
            stored = StoredMasks(self.mask_root, [path], self.windows, self.format.view)
            words = None if self.words_root is None else self._words([entry])
        taxonomy = self._taxonomy_of(role)
        return PanoramaDataset(
            [entry], self.format, self.windows, taxonomy, masks=stored, words=words
        )

    def _find(self, path: Path) -> tuple[Split, Entry]:
        """A panorama as one of the splits lists it, those with labels first."""
        wanted, splits = path.resolve(), ("test", "val", "train")
        for split in cast("tuple[Split, ...]", splits) if self.root.is_dir() else ():
            request = Request(self.root, split, self.label_taxonomy)
            listed = list_past_faults(PANORAMA_LAYOUTS, self.layout, request, self.labels_in, None)
            for entry in listed.entries:
                if entry.image.resolve() == wanted:
                    return split, entry
        return "test", Entry(path, None, None, path.stem)

    def word_contents(self, role: str) -> dict[Path, str]:
        """SHA-256 of what words have found in each panorama of a role, by its file."""
        if not self._has_words(role):
            return {}
        return word_contents(cast("Path", self.words_root), self._entries[role])

    def _has_words(self, role: str) -> bool:
        return self.words_root is not None and role in self.mask_roles

    def _words(self, entries: Sequence[Entry]) -> StoredWords:
        root, taxonomy = cast("Path", self.words_root), get_taxonomy(self.learned_in)
        return StoredWords(root, entries, self.format, taxonomy, self.keys)

    def leave_out(self, files: Collection[Path]) -> None:
        """Go on without some panoramas, in all roles that come with masks.

        Raises:
            ValueError: a role would be empty.
        """
        left_out = frozenset(files)
        for role in self.mask_roles & self._entries.keys():
            entries = self._entries[role]
            kept = [entry for entry in entries if entry.image not in left_out]
            if not kept:
                raise ValueError(
                    f"{self.root}: none of the {len(entries)} panoramas of {role} has masks: see "
                    "above what is wrong with each"
                )
            if len(kept) < len(entries):
                log.info("%s: %d of %d panoramas", role, len(kept), len(entries))
            self._entries[role] = kept

    def _taxonomy_of(self, role: str) -> str:
        return self.learned_in if role == "train" else self.labels_in
