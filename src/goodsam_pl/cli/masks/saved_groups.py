"""Which files hold the masks of which image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.cli.masks.image_names import ImageNames
from goodsam_pl.cli.masks.png_folder import TABLE, read_png_folder
from goodsam_pl.masks import image_key
from goodsam_pl.masks.saved_files import SUFFIXES, ImageNote, Saved, read_saved
from goodsam_pl.masks.saved_mask import SavedMask

__all__ = ["ImageMasks", "SavedGroup", "group_files"]

_OTHERS = ("__MACOSX",)


class ImageMasks(NamedTuple):
    """All masks of one panorama.

    Attributes:
        key: of the image file.
        image: the file; ``None`` where only its key is known.
        name: of the image, for people.
        masks: of it.
        path: what they were read from.
    """

    key: str
    image: Path | None
    name: str
    masks: list[SavedMask]
    path: Path


@dataclass
class SavedGroup:
    """Files that belong together: one, or one for each window of a panorama.

    Attributes:
        name: below the folder of masks, without suffix and window.
        files: paths and the windows that they are of.
    """

    name: str
    files: list[tuple[Path, int | None]] = field(default_factory=list)

    def read(self, names: ImageNames | None) -> Iterator[ImageMasks]:
        """The masks, image by image.

        Args:
            names: of the images; ``None`` if it is not known where they are.

        Raises:
            ValueError: a file is damaged, it is not known what image it belongs to, or it says so
                of another one than its name does.
        """
        whole: ImageMasks | None = None
        for path, window in self.files:
            found = read_png_folder(path) if path.is_dir() else read_saved(path)
            for saved in found:
                called = self.name if len(found) == 1 else None
                own = _Owner(path, called, saved.image, names).find(saved)
                if window is None:
                    yield own
                    continue
                masks = [mask._replace(window=window) for mask in own.masks]
                if whole is not None and whole.key != own.key:
                    raise ValueError(
                        f"{path} is of {own.name}, but {whole.path} of {whole.name}: one folder "
                        "holds the windows of one image"
                    )
                whole = own._replace(masks=masks if whole is None else whole.masks + masks)
        if whole is not None:
            yield whole


def group_files(folder: Path, names: ImageNames | None, windows: int) -> list[SavedGroup]:
    """Find the files of masks below a folder.

    ``NAME.json`` and ``NAME.npz``, folders ``NAME`` with ``metadata.csv``, and, where there is more
    than one window, ``NAME/<window>.json``.

    Args:
        folder: of the files, or one file.
        names: of the images, where they are known.
        windows: how many there are.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is no such file in it.
    """
    if not folder.exists():
        raise FileNotFoundError(f"{folder}: no such folder or file")
    groups: dict[str | Path, SavedGroup] = {}
    for path in _files(folder):
        # a folder of PNGs may be the one that was named, and that may be "."
        relative = Path(path.resolve().name) if path == folder else path.relative_to(folder)
        plain = relative if path.is_dir() else relative.with_suffix("")
        called, window = plain.as_posix(), None
        if _is_window(plain, windows) and not (names and names.has_all_of(called)):
            called, window = plain.parent.as_posix(), int(plain.name)
        group = groups.setdefault(path if window is None else called, SavedGroup(called))
        group.files.append((path, window))
    if not groups:
        raise ValueError(
            f"{folder}: no {' or '.join(SUFFIXES)} file in it or below, and no folder of PNGs with "
            f"{TABLE}"
        )
    return list(groups.values())


def _files(folder: Path) -> list[Path]:
    """Files of masks, and folders that are as good as one."""
    if folder.is_file():
        return [folder]
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in _OTHERS for part in parts):
            continue
        if path.name == TABLE:
            found.append(path.parent)
        elif path.suffix.lower() in SUFFIXES and path.exists() and not path.is_dir():
            if not path.is_file():
                raise ValueError(f"{path} is no file, but a pipe or a device: remove it")
            found.append(path)
    return found


def _is_window(name: Path, windows: int) -> bool:
    number = name.name
    return number.isdecimal() and int(number) < windows and windows > 1 and bool(name.parent.name)


class _Owner(NamedTuple):
    """Finds the image that masks are of.

    Attributes:
        path: what they were read from.
        called: the name of that as an image's; ``None`` if it says nothing.
        note: what is written inside.
        names: of the images.
    """

    path: Path
    called: str | None
    note: ImageNote
    names: ImageNames | None

    def find(self, saved: Saved) -> ImageMasks:
        image, key = self._image(), self.note.key
        if image is not None:
            key = image_key(image)
        if key is None:
            raise ValueError(f"{self.path}: masks of {self._looked_for()}")
        said = self.note.file_name or Path(self.called or self.path.stem).name
        return ImageMasks(
            key, image, image.name if image is not None else said, saved.masks, self.path
        )

    def _image(self) -> Path | None:
        if self.names is None:
            return None
        found = self._by_name(self.names)
        if self.note.key is None:
            return self._only(found)
        same = [image for image in found if image_key(image) == self.note.key]
        if found and not same:
            raise ValueError(
                f"{self.path}: masks of an image of SHA-256 {self.note.key}, which "
                f"{next(iter(found))} is not: give the very file that they were made of"
            )
        return same[0] if same else None

    def _by_name(self, names: ImageNames) -> dict[Path, int]:
        by_path = {} if self.called is None else names.meant_by(self.called)
        if self.note.file_name is None:
            return by_path
        said = names.meant_by(self.note.file_name)
        both = {image: fit for image, fit in said.items() if image in by_path}
        if by_path and not both:
            raise ValueError(
                f"{self.path}: its name is that of {next(iter(by_path))}, but its masks are of "
                f"{self.note.file_name!r}, as it says inside: rename it, or correct its file_name"
            )
        return both or said

    def _only(self, found: dict[Path, int]) -> Path | None:
        best = [image for image, fit in found.items() if fit == max(found.values())]
        if len(best) > 1:
            named = " and ".join(map(str, sorted(best)[:3]))
            raise ValueError(
                f"{self.path}: masks of {len(best)} images of that name, {named}: name the file "
                "with the folders of its image"
            )
        return best[0] if best else None

    def _looked_for(self) -> str:
        wanted = self.note.file_name or self.called
        if self.names is None:
            return f"an image {wanted!r}: say by --images where it is"
        return (
            f"an image {wanted!r}, and there is none of that name in {self.names.root}; images are "
            f"called {self.names.examples()}: name the file as its image, NAME.json"
        )
