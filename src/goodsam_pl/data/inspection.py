"""Looking at each file of a split, as training will, without ending at the first that is broken."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.entries import Entry, Layout, MissingSplitError, Request, list_entries
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = [
    "Fault",
    "FaultKind",
    "Found",
    "InspectedSplit",
    "Inspection",
    "Looked",
    "can_be_opened",
    "list_past_faults",
]

Pixels = npt.NDArray[np.uint8]

FaultKind = Literal["missing", "broken", "aspect", "ids", "size"]
"""What is wrong with a file: it is not there; cannot be decoded; is no panorama of the field of
view that is configured; holds ids that its class set does not have; does not fit its image."""

Probe = tuple[FaultKind, Callable[[Path], object]]
"""Reads a part of a file; what it raises is a fault of that kind."""


class Fault(NamedTuple):
    """What would stop whoever reads a file.

    Attributes:
        kind: see :data:`FaultKind`.
        file: image or label.
        message: the reader's own.
    """

    kind: FaultKind
    file: Path
    message: str


class Looked(NamedTuple):
    """What was found out about an image and its label.

    Attributes:
        faults: of either; empty if they can be used.
        notes: warnings of the reader.
        content: SHA-256 of the pixels as they are read; ``None`` for a file at fault.
        size: height and width as they are read, pixels.
        classes: int64 ``(256,)``, pixels of each trainId, at 255 those of void; ``None`` without
            label.
    """

    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    content: str | None = None
    size: tuple[int, int] | None = None
    classes: npt.NDArray[np.int64] | None = None

    @property
    def void(self) -> float | None:
        """Share of the label's pixels that have no class; ``None`` without label."""
        if self.classes is None:
            return None
        return float(self.classes[IGNORE_INDEX] / self.classes.sum())


class Found(NamedTuple):
    """What there is of a split.

    Attributes:
        entries: its images.
        faults: what is wrong with the list itself.
        absent: why there is no such split.
    """

    entries: list[Entry]
    faults: list[str]
    absent: str | None = None


@dataclass(frozen=True)
class InspectedSplit:
    """The files of a split, and how they are read.

    Attributes:
        name: of the split.
        found: its files.
        read: RGB ``(H, W, 3)`` uint8 and trainIds ``(H, W)`` uint8, or ``None``, of an entry.
        class_names: by trainId.
        image_probes: what tells which fault an image has, in this order.
        labels: reads label files.
        rehearse: reads one image as training does, with its transforms, by its place; asked for one
            of each size.
    """

    name: str
    found: Found
    read: Callable[[Entry], tuple[Pixels, Pixels | None]]
    class_names: Sequence[str] = ()
    image_probes: Sequence[Probe] = ()
    labels: LabelReader | None = None
    rehearse: Callable[[int], object] | None = None

    @property
    def is_trained_on(self) -> bool:
        """Whether there is no training without it."""
        return self.name.split()[-1] == "train"


class Inspection(Dataset[Looked]):
    """What there is to say of each entry of a split, for the workers of a loader."""

    def __init__(self, split: InspectedSplit) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split.found.entries)

    def __getitem__(self, index: int) -> Looked:
        entry = self.split.found.entries[index]
        with _warnings() as notes:
            try:
                pixels, ids = self.split.read(entry)
            except (OSError, ValueError) as error:
                return Looked(tuple(self._diagnose(entry, str(error))), tuple(notes))
        digest = hashlib.sha256(f"{pixels.shape}".encode())
        digest.update(np.ascontiguousarray(pixels).data)
        classes = None if ids is None else np.bincount(ids.ravel(), minlength=256)
        size = pixels.shape[0], pixels.shape[1]
        return Looked((), tuple(notes), digest.hexdigest(), size, classes)

    def _diagnose(self, entry: Entry, message: str) -> Iterator[Fault]:
        """What is wrong with image and label, each by itself, or else with the two together."""
        found = [_first_fault(entry.image, self.split.image_probes)]
        if entry.label is not None and entry.label_format is not None and self.split.labels:
            labels, label_format = self.split.labels, entry.label_format
            probes: list[Probe] = [
                ("broken", label_format.decode),
                ("ids", lambda path: labels.read(path, label_format)),
            ]
            found.append(_first_fault(entry.label, probes))
        if any(found):
            yield from filter(None, found)
        elif entry.label is None:
            yield Fault("broken", entry.image, message)
        else:
            yield Fault("size", entry.label, message)


def _first_fault(path: Path, probes: Sequence[Probe]) -> Fault | None:
    for kind, probe in probes:
        try:
            probe(path)
        except FileNotFoundError as error:
            return Fault("missing", path, str(error))
        except (OSError, ValueError) as error:
            return Fault(kind, path, str(error))
    return None


def can_be_opened(path: Path) -> None:
    """A probe: the header of an image."""
    with open_image(path):
        pass


def list_past_faults(
    layouts: Mapping[str, Layout],
    dataset: str,
    request: Request,
    taxonomy: str,
    limit: int | None,
) -> Found:
    """List a split, on past what is wrong with it.

    Labels that no table brings into the class set are left away, so that the images are looked at.

    Args:
        layouts: by name.
        dataset: which of them.
        request: what is to be listed.
        taxonomy: class set that labels are translated to.
        limit: only the first so many entries.
    """
    faults: list[str] = []
    try:
        entries = list_entries(dict(layouts), dataset, replace(request, faults=faults))[:limit]
    except MissingSplitError as error:
        return Found([], faults, str(error))
    except (OSError, ValueError) as error:
        return Found([], [*faults, str(error)])
    for label_format in {entry.label_format for entry in entries if entry.label_format}:
        try:
            label_format.table(taxonomy)
        except ValueError as error:
            faults.append(str(error))
            entries = [
                replace(each, label=None, label_format=None)
                if each.label_format == label_format
                else each
                for each in entries
            ]
    return Found(entries, faults)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What is logged as a warning about the data, kept instead of shown."""
    log, kept = logging.getLogger("goodsam_pl.data"), _Kept()
    before = log.propagate
    log.addHandler(kept)
    log.propagate = False
    try:
        yield kept.lines
    finally:
        log.removeHandler(kept)
        log.propagate = before


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
