"""What counts as an image in a folder; decided here for training, predictions and masks alike."""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "IMAGE_SUFFIXES",
    "MASKS_PICTURE",
    "MASKS_PICTURE_MARK",
    "RESULTS_MARKER",
    "Listing",
    "list_images",
]

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
"""Suffixes, in lower case, of what is taken for an image."""

RESULTS_MARKER = ".goodsam"
"""A folder with a file of this name holds results of this program, and no images to work on."""

_OTHER_PICTURES = frozenset(
    {
        # phones and 360° cameras, photographs and films
        *(".heic", ".heif", ".avif", ".insp", ".insv", ".360", ".lrv"),
        *(".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".gif"),
        # raw files
        *(".dng", ".raw", ".arw", ".cr2", ".cr3", ".nef", ".orf", ".raf", ".rw2", ".gpr"),
        # other programs
        *(".jxl", ".jp2", ".j2k", ".exr", ".hdr", ".psd", ".psb", ".xcf", ".svg", ".pdf"),
    }
)

_OF_SYSTEMS = frozenset(
    name.casefold()
    for name in (
        # Synology, QNAP
        *("@eaDir", "#recycle", "#snapshot", "@tmp", "@Recycle", "@Recently-Snapshot", "@__thumb"),
        # Windows, macOS, Linux
        *("$RECYCLE.BIN", "RECYCLER", "System Volume Information", "__MACOSX", "lost+found"),
        # programs that log training write pictures there
        *("lightning_logs", "wandb", "mlruns"),
    )
)

MASKS_PICTURE = "_masks.png"
"""How the names of pictures end that ``goodsam masks show`` draws."""

MASKS_PICTURE_MARK = "goodsam_pl masks show"
"""What the first bytes of such a picture hold, as a PNG's text."""

_NAMED = 20
"""How many folders a message names."""


@dataclass(frozen=True)
class Listing:
    """What was found in a folder and below it.

    Attributes:
        root: the folder.
        images: what is taken for an image, sorted.
        passed_over: how many pictures and films there are of kinds that are not read, by suffix in
            lower case.
        left_out: folders that were not looked into, and why; hidden ones are not mentioned.
    """

    root: Path
    images: tuple[Path, ...]
    passed_over: Mapping[str, int]
    left_out: Mapping[Path, str]

    def describe_passed_over(self) -> str:
        """As "3 .heic, 1 .mp4"; empty where nothing was passed over."""
        return ", ".join(f"{count} {suffix}" for suffix, count in self.passed_over.items())


def list_images(root: Path) -> Listing:
    """Find all images in a folder and below it.

    Each folder is listed once, whatever links lead to it, under its own path rather than a link's.
    Left out are hidden files and folders, folders that systems make (thumbnails, deleted files),
    and results of this program; that is said once for each root.

    Raises:
        FileNotFoundError: there is no such folder.
        NotADirectoryError: it is a file.
        PermissionError: folders that cannot be listed, each named.
    """
    if not root.is_dir():
        if root.exists():
            raise NotADirectoryError(f"{root} is a file: name the folder that it is in")
        raise FileNotFoundError(f"{root}: no such folder")
    walk = _Walk(root)
    walk.go()
    if walk.unreadable:
        raise PermissionError(
            f"{len(walk.unreadable)} of the folders in {root} cannot be listed, their images would "
            f"be missing: {_some(walk.unreadable)}; ask for the right to read them, or move them "
            "elsewhere"
        )
    images = _without_mask_pictures(walk)
    listing = Listing(
        root, tuple(sorted(images, key=str)), dict(sorted(walk.passed_over.items())), walk.left_out
    )
    _say_once(listing)
    return listing


@dataclass
class _Walk:
    """Looks into folders, and notes what is there."""

    root: Path
    images: list[Path] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    left_out: dict[Path, str] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def go(self) -> None:
        folders, links = [self.root], deque[Path]()
        while folders or links:
            # links last, so that a folder is found under its own path first
            folder = folders.pop() if folders else links.popleft()
            try:
                if self._is_new(folder):
                    self._look_into(folder, folders, links)
            except OSError as error:
                self.unreadable[folder] = error.strerror or str(error)

    def _is_new(self, folder: Path) -> bool:
        status = folder.stat()
        identity = status.st_dev, status.st_ino
        if identity in self._seen:
            return False
        self._seen.add(identity)
        return True

    def _look_into(self, folder: Path, folders: list[Path], links: deque[Path]) -> None:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        if folder != self.root and any(entry.name == RESULTS_MARKER for entry in entries):
            self.left_out[folder] = "results of goodsam_pl"
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = folder / entry.name
            if not _is_folder(entry):
                self._note_file(path, entry)
            elif entry.name.casefold() in _OF_SYSTEMS:
                self.left_out[path] = "made by the system or a logger"
            else:
                (links if entry.is_symlink() else folders).append(path)

    def _note_file(self, path: Path, entry: os.DirEntry[str]) -> None:
        suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122  # faster than pathlib
        if suffix in _OTHER_PICTURES:
            self.passed_over[suffix] += 1
        elif suffix in IMAGE_SUFFIXES and _is_image(path, entry):
            self.images.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_image(path: Path, entry: os.DirEntry[str]) -> bool:
    """Whether it is no pipe or device; a link that leads nowhere is for the reader to name."""
    if entry.is_symlink():
        return path.is_file() or not path.exists()
    return entry.is_file()


def _without_mask_pictures(walk: _Walk) -> list[Path]:
    """Leave out what ``goodsam masks show`` drew: it says so, or there is an image of its name."""
    names = {image.stem for image in walk.images}
    drawn = {
        image
        for image in walk.images
        if image.name.endswith(MASKS_PICTURE)
        and (image.name.removesuffix(MASKS_PICTURE) in names or _is_marked(image))
    }
    walk.left_out.update(dict.fromkeys(sorted(drawn), "drawn by goodsam masks show"))
    return [image for image in walk.images if image not in drawn]


def _is_marked(image: Path) -> bool:
    try:
        with image.open("rb") as file:
            return MASKS_PICTURE_MARK.encode() in file.read(256)
    except OSError:  # for the reader to name
        return False


_said: set[Path] = set()


def _say_once(listing: Listing) -> None:
    root = listing.root.resolve()
    if listing.left_out and root not in _said:
        _said.add(root)
        log.warning("%s: left out %s", listing.root, _some(listing.left_out))


def _some(reasons: Mapping[Path, str]) -> str:
    named = [f"{path} ({reason})" for path, reason in list(reasons.items())[:_NAMED]]
    more = len(reasons) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
