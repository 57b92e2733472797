"""One image after the other gets its labels; what was done before is not done again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.callbacks.prediction_outcome import (
    Outcome,
    UnlabelledImagesError,
    failed_outcome,
    failure_report,
)
from goodsam_pl.cli.labels.label_folder import LabelFolder
from goodsam_pl.data.entries import Entry
from goodsam_pl.files.claims import Claim
from goodsam_pl.files.progress import progress_bar

__all__ = ["LabelMaker", "LabelWork", "SeenImage"]

log = logging.getLogger(__name__)


class SeenImage(NamedTuple):
    """An image, read.

    Attributes:
        name: as its labels are called.
        sha256: of the file.
        pixels: RGB ``(H, W, 3)`` uint8.
        taught: what a teacher or a label file says, trainIds ``(H, W)``; ``None`` without one.
        label_sha256: of that label file, if there is one.
    """

    name: str
    sha256: str
    pixels: NDArray[np.uint8]
    taught: NDArray[np.uint8] | None
    label_sha256: str | None = None


class LabelMaker(Protocol):
    """Makes labels of images."""

    def read(self, entry: Entry) -> SeenImage:
        """Read an image, and all else that is known of it.

        Raises:
            OSError: a file cannot be read.
            ValueError: one is broken.
        """
        ...

    def label(self, image: SeenImage) -> tuple[Mapping[str, bytes], dict[str, Any]]:
        """Pictures of an image, by their kind, and its record.

        Raises:
            RuntimeError, ValueError: there are none.
        """
        ...


class LabelWork:
    """Goes through images, and counts what is done.

    Args:
        maker: makes the labels.
        folder: where they go.

    Attributes:
        labelled: images.
        present: images that had their labels, or were labelled by another process.
        failed: images without labels.
    """

    def __init__(self, maker: LabelMaker, folder: LabelFolder) -> None:
        self._maker = maker
        self._folder = folder
        self.labelled = 0
        self.present = 0
        self.failed: list[Outcome] = []

    def do(self, entries: Sequence[Entry], *, show_progress: bool) -> None:
        """Label images; those that other processes have in hand are waited for."""
        busy = []
        try:
            with progress_bar(
                "labels", len(entries), visible=show_progress, what="images"
            ) as advance:
                for entry in entries:
                    with self._folder.claim(entry) as claimed:
                        if claimed is None:
                            busy.append(entry)
                            continue
                        self._one(entry, claimed)
                    advance()
                for entry in busy:
                    with self._folder.claim(entry, wait=True) as claimed:
                        assert claimed is not None  # noqa: S101  # for mypy: it waits
                        self._one(entry, claimed)
                    advance()
        except KeyboardInterrupt as stop:
            raise type(stop)(
                f"{self.labelled + self.present} of {len(entries)} images have their labels in "
                f"{self._folder.root}: the same command goes on from there"
            ) from None

    def _one(self, entry: Entry, claimed: Claim) -> None:
        try:
            if self._folder.done(entry) is not None:
                self.present += 1
                return
            image = self._maker.read(entry)
        except (OSError, ValueError) as error:
            self._fail(entry, error)
            return
        try:
            pictures, record = self._maker.label(image)
        except (RuntimeError, ValueError) as error:
            if self.labelled == 0:  # most likely it would be the same for all others
                raise
            self._fail(entry, error)
            return
        self._folder.write(entry, pictures, record, claimed)
        self.labelled += 1

    def _fail(self, entry: Entry, error: Exception) -> None:
        self.failed.append(failed_outcome(entry.name, entry.image, str(error)))

    def report(self, count: int, on_error: str) -> None:
        """Name the images that have no labels.

        Args:
            count: images that were to get some.
            on_error: ``"raise"``, or ``"skip"``, which only names them if others have labels.

        Raises:
            UnlabelledImagesError: there are such images.
        """
        if not self.failed:
            return
        told = failure_report(self.failed, count)
        if on_error == "raise" or self.labelled + self.present == 0:
            raise UnlabelledImagesError(told)
        log.warning(told)
