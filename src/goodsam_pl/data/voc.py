"""PASCAL VOC 2012 as released, with the longer list to train on that SBD's labels make possible.

``root`` is the folder ``VOC2012`` of ``VOCdevkit``: ``JPEGImages/*.jpg``,
``SegmentationClass/*.png`` with ids of ``voc-21`` as palette indices and 255 around things, and
lists of names in ``ImageSets/Segmentation``. SBD's labels are not VOC's: as they are commonly
handed on, they lie with VOC's own in ``SegmentationClassAug``, and ``train_aug.txt`` names the
10,582 images of both that are not in ``val``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from goodsam_pl.data.entries import Entry, Layout, MissingSplitError, Request, entry_of
from goodsam_pl.data.image_lists import images_by_name, named_image
from goodsam_pl.data.labels import train_ids
from goodsam_pl.data.text import read_lines

__all__ = ["VOC_LAYOUTS"]

_OWN, _AUGMENTED = "SegmentationClass", "SegmentationClassAug"
_AUGMENTED_LISTS = ("train_aug", "trainaug")
"""What the list is called where it is handed on."""


def _voc(lists: tuple[str, ...], folder: str, request: Request) -> list[Entry]:
    """Images of a list.

    ``test`` means ``val``, as in numbers that come without VOC's server: it keeps the labels of
    its own test set.

    Args:
        lists: names of the list to train on, any of them.
        folder: labels to train on.
        request: what is to be listed.
    """
    training = request.split == "train"
    images = request.folder("JPEGImages")
    labels = request.root / (folder if training else _OWN)
    listing = _listing(request, lists if training else ("val",))
    by_name = images_by_name(images)
    label_format = train_ids("voc-21")
    found: dict[Path, Entry] = {}
    for number, line in read_lines(listing):
        # some lists have two columns: the image and its label, from the root on
        name = PurePosixPath(line.split()[0]).stem
        image = named_image(name, by_name, images, f"{listing}, line {number}")
        if image in found:
            raise ValueError(f"{listing}, line {number}: {name!r} stands there twice: remove one")
        found[image] = entry_of(images, image, labels / f"{image.stem}.png", label_format)
    return list(found.values())


def _listing(request: Request, names: tuple[str, ...]) -> Path:
    folder = request.root / "ImageSets" / "Segmentation"
    places = [folder / f"{name}.txt" for name in names]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise MissingSplitError(
            f"{places[0]}: no such list of names: set data.root to the folder VOC2012"
            + (
                ", and put the list there that comes with SBD's labels, or choose data.dataset voc"
                if names == _AUGMENTED_LISTS
                else ""
            )
        )
    return found


VOC_LAYOUTS: Mapping[str, Layout] = {
    "voc": partial(_voc, ("train",), _OWN),
    "voc_trainval": partial(_voc, ("trainval",), _OWN),
    "voc_aug": partial(_voc, _AUGMENTED_LISTS, _AUGMENTED),
}
"""By what they train on: VOC's 1,464 images, these with ``val``, or these with SBD's."""
