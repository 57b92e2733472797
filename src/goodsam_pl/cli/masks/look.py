"""``goodsam masks info``, ``verify`` and ``show``: what is in a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from goodsam_pl.callbacks.pictures import mask_picture
from goodsam_pl.cli.masks.images import reader_of
from goodsam_pl.data import normalize
from goodsam_pl.sam import MaskStore, MaskStoreError, image_key
from goodsam_pl.sam.progress import progress_bar

__all__ = ["info", "show", "verify"]


def info(store: Path) -> str:
    """Say what a store holds: of which windows, by which proposer, how many, how large.

    Args:
        store: folder of the masks.
    """
    masks = MaskStore.open(store)
    sizes = [masks.path(key).stat().st_size for key in masks]
    counts = [sum(masks.describe(key)["masks"]) for key in masks]
    (height, width), (window_height, window_width) = masks.windows[:2]
    grid = f"{masks.windows.count} windows of {window_height}×{window_width}"
    lines = {
        "panoramas": f"{len(sizes)} of {height}×{width}, {grid}",
        "masks": f"{sum(counts)}, {_mean(counts):.1f} a panorama",
        "bytes": f"{sum(sizes)}, {_mean(sizes):.0f} a panorama",
        "logits": "kept where the proposer has any" if masks.manifest.logits else "dropped",
        **{name: f"{angle:g}°" for name, angle in masks.view.items()},
        **{name: str(value) for name, value in masks.proposer.items()},
        "fingerprint": masks.fingerprint,
    }
    if masks.whole:
        lines["panoramas"] = f"{len(sizes)} of {height}×{width}, as a whole"
    longest = max(map(len, lines))
    return "\n".join(f"{name:<{longest}}  {text}" for name, text in lines.items())


def verify(store: Path) -> str:
    """Read every record down to the last byte, and name the damaged ones.

    Args:
        store: folder of the masks.
    """
    masks = MaskStore.open(store)
    keys = list(masks)
    damaged = []
    with progress_bar("records", len(keys), visible=True) as advance:
        for key in keys:
            damage = masks.damage(key)
            if damage is not None:
                damaged.append(f"  {masks.path(key)}: {damage.__cause__}")
            advance()
    if damaged:
        listed = "\n".join(damaged)
        raise MaskStoreError(
            f"{len(damaged)} of {len(keys)} records are damaged:\n{listed}\n"
            "`goodsam masks compute` and PrecomputeSAM compute them anew"
        )
    return f"{len(keys)} records, all whole: {store}"


def show(image: Path, store: Path, out: Path | None = None) -> str:
    """Draw the masks of a panorama over it.

    Args:
        image: file of the panorama.
        store: folder of the masks.
        out: the picture; IMAGE_masks.png in the current folder if none is named.
    """
    masks = MaskStore.open(store)
    key = image_key(image)
    if key not in masks:
        raise MaskStoreError(
            f"{store} has no masks of {image}: run `goodsam masks compute`, or give the very file "
            "that they were computed for"
        )
    layers = masks.layers(key)
    pixels = reader_of(masks).read(image)
    path = out or Path(f"{image.stem}_masks.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask_picture(normalize(pixels), layers, masks.windows)).save(path)
    return f"{sum(masks.describe(key)['masks'])} masks: {path}"


def _mean(numbers: Sequence[int]) -> float:
    return sum(numbers) / max(1, len(numbers))
