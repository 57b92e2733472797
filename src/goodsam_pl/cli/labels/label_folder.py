"""A folder of labels: whose they are, and which images have theirs.

Every file is whole or not there. The record of an image (``things/<name>.json``) is written last:
where it is, and is of the image as that is now, its label and overlay are there as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from goodsam_pl.callbacks.prediction_identity import differences
from goodsam_pl.cli.labels.thing_records import coco_file
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.listing import RESULTS_MARKER
from goodsam_pl.files import content_key, fingerprint_of, read_regular
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.claims import Claim, claim, remove_abandoned
from goodsam_pl.files.result_names import file_name
from goodsam_pl.taxonomy import Taxonomy, class_file_text
from goodsam_pl.views.prediction_pictures import legend_png

__all__ = ["LabelFolder"]

_MARKER = b"Results of goodsam_pl lie here: no image in this folder is taken for a panorama.\n"
_ABOUT = "labels.json"
_WAY_OUT = "name another folder, or replace them with --overwrite true"


class LabelFolder:
    """Where labels go.

    Args:
        root: the folder.
        identity: everything that decides about labels besides the images, as plain values.
        kinds: folders of pictures, ``labels`` among them.
        command: that makes the labels.
    """

    def __init__(
        self,
        root: Path,
        identity: Mapping[str, Any],
        kinds: Sequence[str],
        command: str = "goodsam label",
    ) -> None:
        self.root = root
        self.command = command
        self.kinds = tuple(kinds)
        self.identity: dict[str, Any] = json.loads(json.dumps(identity))
        self.fingerprint = fingerprint_of(self.identity)

    def begin(self, taxonomy: Taxonomy, entries: Sequence[Entry], *, overwrite: bool) -> None:
        """Take the folder over; any number of processes may, for the same labels.

        Args:
            taxonomy: classes of the labels; a class file of them is written beside the labels.
            entries: all images of the folder, also those that other processes label.
            overwrite: replace labels of others. Those of these images go at once: a folder of
                which only some were replaced when something stopped it would look whole.

        Raises:
            ValueError: the folder holds labels of other settings, or of nobody knows whom.
        """
        with claim(self.root / _ABOUT, wait=True):
            before = self._read_about()
            if before != self.identity and not overwrite:
                self._refuse(before)
            for folder in (self.root, *(self.root / kind for kind in (*self.kinds, "things"))):
                write_atomically(folder / RESULTS_MARKER, _MARKER)
            if before != self.identity:
                for entry in entries:
                    for path in self._files(entry):
                        path.unlink(missing_ok=True)
                content = {"fingerprint": self.fingerprint, "identity": self.identity}
                write_atomically(self.root / _ABOUT, json.dumps(content, indent=1).encode())
            write_atomically(self.root / "classes.yaml", class_file_text(taxonomy).encode())
            write_atomically(self.root / "legend.png", legend_png(taxonomy))

    def claim(self, entry: Entry, *, wait: bool = False) -> AbstractContextManager[Claim | None]:
        """The right to label an image; ``None`` where another process has it in hand."""
        return claim(self._record(entry), wait=wait)

    def done(self, entry: Entry) -> dict[str, Any] | None:
        """The record of an image that has its labels; ``None`` where it has none yet.

        Labels that were made of a label are those of the label file as it is now, too.

        Raises:
            OSError: the image, or its label file, cannot be read.
        """
        record = self.read(entry)
        if record is None or record["sha256"] != content_key(entry.image):
            return None
        if entry.label is not None and record.get("label_sha256") != content_key(entry.label):
            return None
        files = [self.picture(kind, entry) for kind in self.kinds]
        return record if all(path.is_file() for path in files) else None

    def write(
        self, entry: Entry, pictures: Mapping[str, bytes], record: Mapping[str, Any], claimed: Claim
    ) -> None:
        """Write pictures, by their kind, and then the record."""
        for kind, content in pictures.items():
            write_atomically(self.picture(kind, entry), content)
        whole = {"fingerprint": self.fingerprint, **record}
        claimed.write(json.dumps(whole).encode())

    def finish(self, entries: Sequence[Entry], names: Sequence[str], images: Path) -> float | None:
        """Write the COCO file of all images that have their labels, and tidy up.

        Args:
            entries: all images of the folder, also those that other processes label.
            names: of the classes that can be asked for.
            images: their folder.

        Returns:
            The share of pixels that masks claim, over all of these images; ``None`` without any.
        """
        # whoever is last sees all records: a file of fewer images is never the last one
        with claim(self.root / "instances.json", wait=True):
            records = [(entry, self.read(entry)) for entry in entries]
            there = [(entry, record) for entry, record in records if record is not None]
            about = f"{self.command}, {self.fingerprint[:16]}"
            named = [(_below(images, entry.image), record) for entry, record in there]
            write_atomically(self.root / "instances.json", coco_file(named, names, about))
        folders = {path.parent for entry in entries for path in self._files(entry)}
        folders |= {self.root, *(self.root / kind for kind in (*self.kinds, "things"))}
        for folder in folders:
            remove_abandoned(folder)
        sizes = [record["size"][0] * record["size"][1] for _, record in there]
        claimed = [record["claimed"] * size for (_, record), size in zip(there, sizes, strict=True)]
        return sum(claimed) / sum(sizes) if sizes else None

    def picture(self, kind: str, entry: Entry) -> Path:
        """The file of a picture of an image."""
        return self.root / kind / file_name(entry.name, ".png")

    def read(self, entry: Entry) -> dict[str, Any] | None:
        """The record of an image, if there is one of these settings."""
        try:
            content = json.loads(read_regular(self._record(entry)))
            is_ours = content["fingerprint"] == self.fingerprint
            known = {"sha256", "size", "claimed", "things"} <= content.keys()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return dict(content) if is_ours and known else None

    def _record(self, entry: Entry) -> Path:
        return self.root / "things" / file_name(entry.name, ".json")

    def _files(self, entry: Entry) -> list[Path]:
        return [self._record(entry), *(self.picture(kind, entry) for kind in self.kinds)]

    def _read_about(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(read_regular(self.root / _ABOUT))["identity"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{self.root / _ABOUT} does not say whose labels these are ({error}): remove it, "
                "or name another folder"
            ) from error

    def _refuse(self, before: Mapping[str, Any] | None) -> None:
        if before is not None:
            told = "; ".join(differences(before, self.identity))
            raise ValueError(
                f"{self.root} holds labels that were made otherwise ({told}): {_WAY_OUT}"
            )
        if any((self.root / "labels").rglob("*.png")):
            raise ValueError(
                f"{self.root} holds labels, and no {_ABOUT} that says whose: {_WAY_OUT}"
            )


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
