"""Images and masks that belong together by their names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from goodsam_pl.data.listing import list_images
from goodsam_pl.data.masked_image import MaskedImage, MaskFile

__all__ = ["beside_each_other", "by_name", "in_two_folders", "pair_by_name"]

_PHOTOGRAPHS = frozenset({".jpg", ".jpeg"})


def in_two_folders(images: Path, masks: Path) -> list[MaskedImage]:
    """Each image has a mask of the same path and stem in another folder, of any suffix.

    Args:
        images: their folder; subfolders count.
        masks: likewise.

    Raises:
        FileNotFoundError: a folder is missing, an image has no mask, or a mask no image.
        ValueError: no image, or two files of one stem.
    """
    return pair_by_name(by_name(images, _below(images)), by_name(masks, _below(masks)), masks)


def beside_each_other(folder: Path) -> list[MaskedImage]:
    """Each photograph (``*.jpg``) has a mask (``*.png``) of the same stem beside it.

    Raises:
        FileNotFoundError: the folder is missing, a photograph has no mask, or a mask no photograph.
        ValueError: no photograph, or two of one stem.
    """
    found = _below(folder)
    images = [path for path in found if path.suffix.lower() in _PHOTOGRAPHS]
    masks = [path for path in found if path.suffix.lower() == ".png"]
    return pair_by_name(by_name(folder, images), by_name(folder, masks), folder)


def pair_by_name(
    images: dict[str, Path],
    masks: dict[str, Path],
    mask_folder: Path,
    other_images: Iterable[str] = (),
) -> list[MaskedImage]:
    """Bring images and masks together.

    Args:
        images: by name.
        masks: by name.
        mask_folder: where masks lie, for messages.
        other_images: names of images of another split, whose masks lie in the same folder.

    Returns:
        In the order of the names.

    Raises:
        FileNotFoundError: an image has no mask, or a mask no image.
        ValueError: no image.
    """
    if without := sorted(images.keys() - masks.keys()):
        raise FileNotFoundError(
            f"{images[without[0]]} has no mask{_more(without)}: {mask_folder} has none of its "
            f"name, {without[0]!r}; put it there, or take the image away"
        )
    if without := sorted(masks.keys() - images.keys() - set(other_images)):
        raise FileNotFoundError(
            f"{masks[without[0]]} is a mask without an image{_more(without)}: no image is called "
            f"{without[0]!r}; put it there, or take the mask away"
        )
    if not images:
        raise ValueError(f"{mask_folder}: no image and no mask: check root and layout")
    return [MaskedImage(images[name], MaskFile(masks[name]), name) for name in sorted(images)]


def by_name(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """Files by their path below a folder, without suffix.

    Raises:
        ValueError: two have one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise ValueError(
                f"{found[name]} and {path} have one name, {name!r}: take one of them away"
            )
        found[name] = path
    return found


def _below(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; check root, layout and folders")
    return list_images(folder).images


def _more(without: list[str]) -> str:
    return f" (and {len(without) - 1} more like it)" if len(without) > 1 else ""
