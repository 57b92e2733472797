"""What predictions look like in files: labels, overlays, confidence, probabilities, a legend."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from goodsam_pl.data import Band
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.files import resize_image
from goodsam_pl.data.picture_tags import PictureTags
from goodsam_pl.taxonomy import Taxonomy

__all__ = [
    "confidence_png",
    "label_file_png",
    "label_png",
    "legend_png",
    "mixed",
    "overlay_png",
    "scores_npz",
]

_BLACK, _VOC_VOID = (0, 0, 0), (224, 224, 192)
_NO_TAGS = PictureTags()


def label_png(
    label: npt.NDArray[np.uint8], taxonomy: Taxonomy, tags: PictureTags = _NO_TAGS
) -> bytes:
    """Class ids ``(H, W)``, with the taxonomy's palette so that any viewer shows colours."""
    picture = Image.fromarray(label)
    every_id = np.full((1, 256), taxonomy.ignore_index)
    every_id[0, : len(taxonomy.classes)] = range(len(taxonomy.classes))
    picture.putpalette(_palette(every_id, taxonomy))
    return _encode(picture, tags)


def label_file_png(label: npt.NDArray[np.uint8], taxonomy: Taxonomy) -> bytes:
    """As :func:`label_png`, with the ids that label files of the class set hold, to be trained on.

    Without ids of its own these are the trainIds.
    """
    if taxonomy.ids is None:
        return label_png(label, taxonomy)
    table = np.full(256, taxonomy.ignore_index, np.uint8)
    table[: len(taxonomy.ids)] = taxonomy.ids
    picture = Image.fromarray(table[label])
    train_ids = np.full((1, 256), taxonomy.ignore_index)
    train_ids[0, list(taxonomy.ids)] = range(len(taxonomy.ids))
    picture.putpalette(_palette(train_ids, taxonomy))
    return _encode(picture)


def _palette(train_ids: npt.NDArray[np.int64], taxonomy: Taxonomy) -> bytes:
    """Colours of all 256 ids, whose trainIds are given; void is VOC's where a class is black."""
    colours = taxonomy.colorize(train_ids)
    if _BLACK in taxonomy.palette:
        colours[train_ids == taxonomy.ignore_index] = _VOC_VOID
    return colours.tobytes()


def confidence_png(
    confidence: npt.NDArray[np.float32], band: Band | None, tags: PictureTags = _NO_TAGS
) -> bytes:
    """The probability of the class that was chosen, ``(H, W)``: 255 is 1; 0 outside the band."""
    scaled = (confidence * 255).round().astype(np.uint8)
    return _encode(Image.fromarray(scaled if band is None else band.restore(scaled, 0)), tags)


def scores_npz(
    probabilities: npt.NDArray[np.float32], taxonomy: Taxonomy, band: Band | None
) -> bytes:
    """Probabilities ``(K, H, W)`` as float16, with what maps them back to the file."""
    height, width = probabilities.shape[-2:]
    where = band or Band((height, width), 0, height)
    content = io.BytesIO()
    np.savez_compressed(
        content,
        probabilities=probabilities.astype(np.float16),
        classes=np.array(taxonomy.classes),
        file_size=np.array(where.file_size),
        rows=np.array([where.top, where.bottom]),
    )
    return content.getvalue()


def overlay_png(
    image: Path | npt.NDArray[np.uint8],
    label: npt.NDArray[np.uint8],
    taxonomy: Taxonomy,
    band: Band | None,
    opacity: float,
    width: int,
    tags: PictureTags = _NO_TAGS,
) -> bytes:
    """The colours of the classes over the image.

    Args:
        image: its file, or RGB ``(H, W, 3)``.
        label: class ids ``(h, w)`` of the band.
        taxonomy: gives the colours.
        band: where the label lies in the file; ``None`` for all of ``image``.
        opacity: of the colours.
        width: largest width of the picture, pixels; larger images are shrunk.
        tags: of the image's file; adapted to the size of the picture.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is broken.
    """
    pixels = _shrunk(_pixels_of(image, band, width), width)
    height = len(pixels)
    if band is not None:
        whole = (0, band.file_size[0])
        tags = tags.of_part(band.file_size, whole, (height, pixels.shape[1]))
    rows = slice(0, height) if band is None else band.of_height(height)
    # photographs hardly become smaller for ten times the time
    return _encode(Image.fromarray(mixed(pixels, label, taxonomy, rows, opacity)), tags, level=1)


def mixed(
    pixels: npt.NDArray[np.uint8],
    label: npt.NDArray[np.uint8],
    taxonomy: Taxonomy,
    rows: slice,
    opacity: float,
) -> npt.NDArray[np.uint8]:
    """The colours of the classes over some rows of an image ``(H, W, 3)``.

    Args:
        pixels: of the image.
        label: class ids ``(h, w)`` of these rows.
        taxonomy: gives the colours.
        rows: of the image.
        opacity: of the colours.
    """
    colours = taxonomy.colorize(Band(pixels.shape[:2], rows.start, rows.stop).restore(label)[rows])
    blend = (1 - opacity) * pixels[rows].astype(np.float32) + np.float32(opacity) * colours
    pixels = pixels.copy()
    pixels[rows] = blend.round()
    return pixels


def legend_png(taxonomy: Taxonomy) -> bytes:
    """The classes with their ids and colours, a line each."""
    line, margin = 28, 8
    font = ImageFont.load_default(16)
    rows = [
        (str(index), name, colour)
        for index, (name, colour) in enumerate(zip(taxonomy.classes, taxonomy.palette, strict=True))
    ]
    rows.append((str(taxonomy.ignore_index), "void: not predicted", (0, 0, 0)))
    longest = max(font.getlength(f"{index}  {name}") for index, name, _ in rows)
    size = (int(longest) + line + 3 * margin, line * len(rows) + 2 * margin)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for number, (index, name, colour) in enumerate(rows):
        top = margin + number * line
        box = (margin, top + 2, margin + line, top + line - 2)
        draw.rectangle(box, fill=tuple(colour), outline="black")
        draw.text((2 * margin + line, top + 4), f"{index}  {name}", fill="black", font=font)
    return _encode(picture)


def _pixels_of(
    image: Path | npt.NDArray[np.uint8], band: Band | None, width: int
) -> npt.NDArray[np.uint8]:
    if not isinstance(image, Path):
        return image
    with open_image(image) as file:
        file.shrink(width)
        try:
            return file.pixels()
        except ValueError:
            # as where it is transparent outside the band: that stays black
            if band is None:
                raise
            seen = file.pixels(band.rows)
    height = round(len(seen) * band.file_size[0] / (band.bottom - band.top))
    rows = band.of_height(height)
    pixels = np.zeros((height, seen.shape[1], 3), np.uint8)
    pixels[rows] = seen[: rows.stop - rows.start]
    return pixels


def _shrunk(pixels: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    if pixels.shape[1] <= width:
        return pixels
    return resize_image(pixels, (max(1, round(len(pixels) * width / pixels.shape[1])), width))


def _encode(picture: Image.Image, tags: PictureTags = _NO_TAGS, level: int = 6) -> bytes:
    content = io.BytesIO()
    picture.save(content, format="PNG", compress_level=level, **tags.save_options(".png"))
    return content.getvalue()
