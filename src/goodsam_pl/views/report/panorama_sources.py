"""Where the stages of panoramas come from: folders of stages, and folders of predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, cast

from goodsam_pl.data.decoding import open_image
from goodsam_pl.files import read_regular
from goodsam_pl.views.report.shown_stage import ClassColor, ShownStage, Span
from goodsam_pl.views.stage_folder import Stage, StageFolder, StageKind, stage_folders

__all__ = ["PREDICTIONS", "PanoramaSource", "Predictions", "StoredStages"]

PREDICTIONS = "summary.json"
"""What says whose predictions lie in a folder."""

_KINDS: Mapping[str, tuple[StageKind, str]] = {
    "labels": ("labels", ""),
    "confidence": ("weight", ", confidence"),
}
"""Of the files of a prediction those that are shown, and what their titles end with."""


class PanoramaSource(Protocol):
    """Something that has stages of panoramas.

    Attributes:
        name: how the report calls it.
    """

    name: str

    def panoramas(self) -> list[str]:
        """Their names."""
        ...

    def stages(self, panorama: str, width: int) -> Iterator[ShownStage]:
        """All stages of one of them, its photograph first, at most so many pixels wide.

        Raises:
            OSError: a file cannot be read.
            ValueError: a file is damaged.
        """
        ...


class StoredStages:
    """Folders as :class:`goodsam_pl.views.stage_folder.StageFolder` writes them.

    Args:
        root: with a folder for each panorama, or the folder of one.
        name: how the report calls it.

    Raises:
        ValueError: an index is damaged.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self._root = root
        self._folders = {
            str(folder.relative_to(root)) if folder != root else folder.name: folder
            for folder in stage_folders(root)
        }

    def panoramas(self) -> list[str]:
        """Names of their folders."""
        return list(self._folders)

    def stages(self, panorama: str, width: int) -> Iterator[ShownStage]:
        """In the order of the method."""
        found = StageFolder.load(self._folders[panorama])
        span = Span.centred(found.vertical_fov)
        classes = [ClassColor(*each) for each in zip(found.classes, found.palette, strict=True)]
        for stage in sorted(found.stages, key=lambda each: each.kind != "image"):
            yield ShownStage.encode(stage, span, classes, width)


@dataclass(frozen=True)
class _Predicted:
    """What the summary says of one panorama.

    Attributes:
        image: its file.
        files: predictions by kind, below the folder.
        rows: of the file, the first and the one after the last that were predicted.
        height: of the file, pixels.
    """

    image: Path
    files: Mapping[str, str]
    rows: tuple[int, int]
    height: int

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        first, last = map(int, content["rows"])
        height = int(content["size"][0])
        if not 0 <= first < last <= height:
            raise ValueError(f"rows {first} to {last} of {height}")
        return cls(Path(content["image"]), dict(content["files"]), (first, last), height)


class Predictions:
    """A folder of ``goodsam predict``.

    Args:
        root: the folder.
        name: how the report calls it, and titles of its stages begin.
        moved_to: where the panoramas lie now, if not where they lay when they were predicted.

    Raises:
        ValueError: the summary is damaged.
    """

    def __init__(self, root: Path, name: str, moved_to: Path | None = None) -> None:
        self.name = name
        self._root = root
        self._moved_to = moved_to
        path = root / PREDICTIONS
        try:
            content = json.loads(read_regular(path))
            identity = content["identity"]
            self._vertical_fov = float(identity["settings"].get("vertical_fov", 180))
            self._whole = identity["settings"]["label_size"] != "training"
            self._classes = _classes(identity["taxonomy"]["classes"])
            self._images = {
                str(each["name"]): _Predicted.read(each)
                for each in content["images"]
                if each.get("reason") is None
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{path} is no summary of predictions ({type(error).__name__}: {error}): predict "
                "again, or name another folder"
            ) from error

    def panoramas(self) -> list[str]:
        """Names of all that were predicted."""
        return list(self._images)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by their ids."""
        return tuple(each.name for each in self._classes)

    def stages(self, panorama: str, width: int) -> Iterator[ShownStage]:
        """The photograph, then labels, then confidence where there is any."""
        predicted = self._images[panorama]
        with open_image(self.photograph(panorama)) as image:
            image.shrink(width)
            photograph = Stage("Panorama", "image", image.pixels())
        yield ShownStage.encode(photograph, self._whole_span(predicted), (), width)
        span = self.span(panorama)
        for key, (kind, ending) in _KINDS.items():
            if key in predicted.files:
                with open_image(self._root / predicted.files[key]) as image:
                    stage = Stage(f"{self.name}{ending}", kind, image.ids())
                yield ShownStage.encode(stage, span, self._classes, width)

    def label_file(self, panorama: str) -> Path:
        """The labels of one of them."""
        return self._root / self._images[panorama].files["labels"]

    def file_name(self, panorama: str) -> str:
        """The path of its photograph below the folder that was predicted."""
        suffix = self._images[panorama].image.suffix
        return panorama if panorama.endswith(suffix) else f"{panorama}{suffix}"

    def span(self, panorama: str) -> Span:
        """What the labels of one of them show."""
        if self._whole:
            return self._whole_span(self._images[panorama])
        return Span.centred(self._vertical_fov)

    def _whole_span(self, predicted: _Predicted) -> Span:
        """What a photograph shows; its horizon is in the middle of what was predicted."""
        first, last = predicted.rows
        degrees = self._vertical_fov / (last - first)
        horizon = (first + last) / 2
        return Span(horizon * degrees, (horizon - predicted.height) * degrees)

    def photograph(self, panorama: str) -> Path:
        """Where one lies now; of folders above it, as many as still stand around it are kept.

        Raises:
            FileNotFoundError: it is not there any more.
        """
        image = self._images[panorama].image
        if self._moved_to is None:
            if not image.is_file():
                raise FileNotFoundError(
                    f"{image}, of which {self._root} holds a prediction, is not there any more: "
                    "say where the panoramas lie now, --panoramas FOLDER"
                )
            return image
        parts = image.parts[image.is_absolute() :]
        for start in range(len(parts)):
            below = self._moved_to.joinpath(*parts[start:])
            if below.is_file():
                return below
        raise FileNotFoundError(
            f"{self._moved_to} has no panorama {image.name}, of which {self._root} holds a "
            "prediction: name the folder that it lies in, or that the folder of it lies in"
        )


def _classes(listed: Sequence[Mapping[str, Any]]) -> tuple[ClassColor, ...]:
    """By id, from 0 on."""
    by_id = sorted(listed, key=lambda each: int(each["id"]))
    if [int(each["id"]) for each in by_id] != [*range(len(by_id))]:
        raise ValueError("the ids of its classes are not 0, 1, …")
    return tuple(
        ClassColor(str(each["name"]), cast("tuple[int, int, int]", tuple(map(int, each["colour"]))))
        for each in by_id
    )
