"""``goodsam masks info``, ``verify`` and ``show``: what is in a store."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image, PngImagePlugin

from goodsam_pl.cli.answers import Answer, answer, table
from goodsam_pl.cli.masks.images import reader_of
from goodsam_pl.cli.masks.stores import open_store
from goodsam_pl.data import normalize
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.data.listing import MASKS_PICTURE, MASKS_PICTURE_MARK
from goodsam_pl.files import Stamp
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.masks import MaskStore, MaskStoreError, image_key
from goodsam_pl.masks.inventory import find_strays, find_unfinished
from goodsam_pl.masks.known_quality import KnownQuality, known_quality, total_known
from goodsam_pl.views.pictures import mask_picture

__all__ = ["info", "show", "verify"]

_WAY_OUT = (
    "`goodsam masks compute` and PrecomputeSAM compute anew what is damaged or gone; what is no "
    "record is never read: move it away"
)

_UNFINISHED = "unfinished, and whose:"

_WRONG = 2
"""The status that commands end with when what they were given is wrong."""

_SHARES = ("covered", "predicted_iou", "stability", "agreement")

_LOOKED_INTO = 200
"""Records that `info` reads, spread evenly: a store of a hundred thousand is told of in seconds."""


def info(store: Path, json: bool = False) -> Answer:
    """Say what a store holds: of which windows, by which proposer, how many, how large, how good.

    How good as far as it is known without labels: the share of pixels covered, the scores, and how
    far overlapping masks agree. Of a large store, 200 panoramas are looked into.

    Args:
        store: folder of the masks.
        json: as JSON.
    """
    masks = open_store(store)
    known = _known(masks)
    sizes = [masks.path(key).stat().st_size for key in masks]
    counts = [sum(masks.describe(key)["masks"]) for key in masks]
    (height, width), (window_height, window_width) = masks.windows[:2]
    grid = f"{masks.windows.count} windows of {window_height}×{window_width}"
    lines = {
        "panoramas": f"{len(sizes)} of {height}×{width}, {grid}",
        "masks": f"{sum(counts)}, {_mean(counts):.1f} a panorama",
        "covered": f"{known.covered:.1%} of the pixels",
        "mean scores": f"predicted IoU {known.predicted_iou:.2f}, stability {known.stability:.2f}",
        "agreement": f"{known.agreement:.2f} of overlapping masks",
        "bytes": f"{sum(sizes)}, {_mean(sizes):.0f} a panorama",
        "logits": "kept where the proposer has any" if masks.manifest.logits else "dropped",
        **{name: f"{angle:g}°" for name, angle in masks.view.items()},
        **{name: str(value) for name, value in masks.manifest.proposer.items()},
        "fingerprint": masks.fingerprint,
    }
    if known.panoramas < len(sizes):
        lines["covered"] += f", of {known.panoramas} panoramas, as the next two"
    if masks.whole:
        lines["panoramas"] = f"{len(sizes)} of {height}×{width}, as a whole"
    content = {
        "panoramas": len(sizes),
        "size": masks.windows.image_size,
        "window_size": masks.windows.window_size,
        "whole": masks.whole,
        "masks": sum(counts),
        "bytes": sum(sizes),
        "looked_into": known.panoramas,
        **{name: getattr(known, name) for name in _SHARES},
        "logits": masks.manifest.logits,
        **masks.view,
        "proposer": masks.manifest.proposer,
        "fingerprint": masks.fingerprint,
    }
    return answer(table(lines), content, json=json)


def _known(masks: MaskStore) -> KnownQuality:
    """What is known of some of the records; damaged ones are for `verify` to tell of."""
    keys = list(masks)
    parts = []
    for number in range(min(len(keys), _LOOKED_INTO)):
        key = keys[number * len(keys) // min(len(keys), _LOOKED_INTO)]
        with suppress(MaskStoreError):
            parts.append(known_quality(masks.read(key)))
    return total_known(parts)


def verify(store: Path, content: Path | None = None, json: bool = False) -> Answer:
    """Read every record down to the last byte, and name all that is not as it should be.

    That is: damaged records, those that were there and are gone, and files that are called as a
    record and are none. What is unfinished is told of, too.

    Args:
        store: folder of the masks.
        content: folder of panoramas, to read all of their bytes, too: a panorama that changed
            without showing it would be given the masks of what it was before.
        json: as JSON; what is wrong makes the command fail as it does without.
    """
    masks = open_store(store)
    keys = list(masks)
    damaged: dict[Path, str] = {}
    with progress_bar("records", len(keys), visible=not json) as advance:
        for key in keys:
            damage = masks.check(key)
            if damage is not None:
                damaged[masks.path(key)] = str(damage.__cause__)
            advance()
    masks.save_known()
    found = {
        "damaged": damaged,
        "gone": dict.fromkeys(masks.gone(), "it was whole when last seen"),
        "strays": find_strays(masks.root),
    }
    unfinished = find_unfinished(masks.root)
    if any(found.values()) and not json:
        titles = (
            f"{len(damaged)} of {len(keys)} records are damaged:",
            f"{len(found['gone'])} records are gone:",
            f"{len(found['strays'])} are called as a record and are none:",
        )
        told = [
            line
            for title, each in zip(titles, found.values(), strict=True)
            for line in _listed(title, each)
        ]
        told += [*_listed(_UNFINISHED, unfinished), _WAY_OUT]
        raise MaskStoreError(f"{store}: " + "\n".join(told))
    told = [f"{len(keys)} records, all whole: {store}", *_listed(_UNFINISHED, unfinished)]
    changed = None if content is None else _changed(masks, content, show_progress=not json)
    if changed is not None and not json:
        told.append(_of_content(changed, content))
    wrong = any(found.values()) or bool(changed and changed.files)
    return answer(
        "\n".join(told),
        {
            "records": len(keys),
            **found,
            "unfinished": unfinished,
            "changed": None if changed is None else changed.files,
        },
        json=json,
        status=_WRONG if wrong else 0,
    )


def _listed(title: str, found: Mapping[Path, str]) -> list[str]:
    """A line for each, below their title; nothing of nothing."""
    return [title, *(f"  {path}: {why}" for path, why in found.items())] if found else []


class _Changed(NamedTuple):
    """Panoramas that are not what they were taken for.

    Attributes:
        files: these.
        total: how many were read.
    """

    files: list[Path]
    total: int


def _changed(masks: MaskStore, folder: Path, *, show_progress: bool) -> _Changed:
    files = [entry.image for entry in folder_entries(folder)]
    changed = []
    with progress_bar("panoramas", len(files), visible=show_progress) as advance:
        for file in files:
            known, key = masks.keys.known.get(file), image_key(file)
            if known is not None and known != key:
                changed.append(file)
                masks.keys.known.remember(file, Stamp.of(file), key)
            advance()
    masks.save_known()
    return _Changed(changed, len(files))


def _of_content(changed: _Changed, folder: Path | None) -> str:
    if changed.files:
        listed = "\n".join(f"  {file}" for file in changed.files)
        raise MaskStoreError(
            f"{len(changed.files)} of {changed.total} panoramas are not what they were taken for:\n"
            f"{listed}\nThey are known by their content again: run `goodsam masks compute`, or "
            "train with PrecomputeSAM"
        )
    return f"{changed.total} panoramas, all what they are taken for: {folder}"


def show(image: Path, store: Path, out: Path | None = None) -> str:
    """Draw the masks of a panorama over it.

    Args:
        image: file of the panorama.
        store: folder of the masks.
        out: the picture, a PNG; IMAGE_masks.png in the current folder if none is named. Pictures
            of that ending are never taken for panoramas.
    """
    path = _picture_path(image, out)
    masks = open_store(store)
    key = image_key(image)
    if key not in masks:
        raise MaskStoreError(
            f"{store} has no masks of {image}: run `goodsam masks compute`, or give the very file "
            "that they were computed for"
        )
    layers = masks.layers(key)
    pixels = reader_of(masks).read(image)
    picture = Image.fromarray(mask_picture(normalize(pixels), layers, masks.windows))
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", MASKS_PICTURE_MARK)
    content = io.BytesIO()
    picture.save(content, format="PNG", pnginfo=mark)
    write_atomically(path, content.getvalue())
    return f"{sum(masks.describe(key)['masks'])} masks: {path}"


def _picture_path(image: Path, out: Path | None) -> Path:
    """Where a picture goes, so that it does not become a panorama beside its own.

    Raises:
        FileNotFoundError: there is no such image.
        ValueError: the picture would be taken for a panorama, or is no PNG.
    """
    if not image.is_file():
        raise FileNotFoundError(f"{image}: no such file")
    if out is None:
        return Path(f"{image.stem}{MASKS_PICTURE}")
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out}: the picture is a PNG, name it so: {out.with_suffix('.png')}")
    beside = out.resolve().parent == image.resolve().parent
    if beside and not out.name.endswith(MASKS_PICTURE):
        raise ValueError(
            f"{out} would be one of the panoramas of its folder: name another folder, or "
            f"{out.with_name(image.stem + MASKS_PICTURE)}"
        )
    return out


def _mean(numbers: Sequence[int]) -> float:
    return sum(numbers) / max(1, len(numbers))
