"""Opening image files: a file is decoded upright, or an error says what is wrong with it.

Only PNG, JPEG, WEBP, TIFF and BMP are opened, told by their first bytes; other formats that Pillow
knows start programs or read further files.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    ExifTags,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from goodsam_pl.data.png_chunks import SIGNATURE, pixels_only
from goodsam_pl.data.webp_header import webp_canvas

__all__ = ["EncodedImage", "open_image", "pixel_limit"]

PIXEL_LIMIT_VARIABLE = "GOODSAM_MAX_PIXELS"
"""Environment variable with the largest number of pixels of an image that is read."""

_PIXEL_LIMIT = 1 << 29
"""The default: 32768×16384. Decoded, such a panorama takes 2 GiB."""

_LARGE = 178_956_970
"""Pixels from which on Pillow's own check refuses a file; JPEG is decoded smaller above it."""

_BOMB_BYTES, _BOMB_RATIO = 1 << 29, 500
"""A file that takes so many bytes decoded, and so many times its size, is no photograph."""

_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_ONE_BYTE_MODES = ("1", "L", "P")

_WEBP_BYTES = 20
"""Bytes a pixel to decode WEBP: the decoder keeps two canvases."""

_STRIP_PIXELS = 1 << 22
"""Pixels that are converted at once, so that conversions need no second copy of a large image."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns an image of an EXIF orientation upright."""

_SIDEWAYS = (5, 6, 7, 8)

_FORMATS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (SIGNATURE, PngImagePlugin.PngImageFile),
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
)

# errno that a decoder causes itself, by seeking to where a broken header points
_OF_DECODERS = (None, errno.EINVAL, errno.EOVERFLOW)

_WAYS_OUT = {
    errno.EACCES: ": the file may be whole, ask for the right to read it",
    errno.EMFILE: ": raise the limit of open files (ulimit -n), or take fewer workers",
    errno.ENFILE: ": the whole machine has too many files open",
    errno.EIO: ": the disk or the network reports this, the file may be whole",
    errno.ENOENT: "",
}


def pixel_limit() -> int:
    """The largest number of pixels of an image that is read.

    Raises:
        ValueError: ``GOODSAM_MAX_PIXELS`` is set to what is no number.
    """
    text = os.environ.get(PIXEL_LIMIT_VARIABLE, "")
    if not text:
        return _PIXEL_LIMIT
    if not text.isdecimal():
        raise ValueError(f"{PIXEL_LIMIT_VARIABLE} is {text!r}: give a number of pixels")
    return int(text)


class EncodedImage:
    """An image file that is open; pixels are decoded when they are asked for.

    Attributes:
        path: the file.
        size: its height and width, upright, pixels.
        orientation: as EXIF counts, 1 for a file that is stored upright.
    """

    def __init__(self, path: Path, image: ImageFile.ImageFile, grey_bits: int) -> None:
        self.path = path
        self.orientation = _orientation(image)
        width, height = _stored_size(image)
        self.size = (width, height) if self.orientation in _SIDEWAYS else (height, width)
        self._image: Image.Image = image
        self._grey_bits = grey_bits
        self._is_upright = False

    @property
    def is_colored(self) -> bool:
        """Whether pixels are colours, and no single numbers: :meth:`ids` refuses them then."""
        return self._image.mode not in (*_ONE_BYTE_MODES, *_DEEP_MODES) or self._image.mode == "F"

    @property
    def palette(self) -> bytes:
        """RGB of its palette, three bytes a colour; empty for an image without one."""
        return bytes(self._image.getpalette("RGB") or ()) if self._image.mode == "P" else b""

    @property
    def xmp(self) -> bytes:
        """The XMP packet; empty without one."""
        info = self._image.info
        packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or self._xmp_of_old_pillow()
        if isinstance(packet, str):
            return packet.encode("utf-8", "replace")
        # a number would become as many zeros
        return packet if isinstance(packet, bytes) else b""

    def exif_values(self, directory: int) -> dict[int, Any]:
        """What one of the directories of its EXIF says, by tag; nothing where it is damaged.

        Args:
            directory: as ``ExifTags.IFD.GPSInfo``.
        """
        try:
            # see _orientation
            return dict(Image.Image.getexif(self._image).get_ifd(directory))
        except Exception:  # noqa: BLE001  # whatever is wrong with metadata
            return {}

    def shrink(self, width: int) -> None:
        """Let pixels be decoded at a fraction of the size, if the file is very large and a JPEG.

        Call it before pixels are asked for.

        Args:
            width: that is enough, pixels.
        """
        height = max(1, width * self.size[0] // self.size[1])
        wanted = (height, width) if self.orientation in _SIDEWAYS else (width, height)
        if self.size[0] * self.size[1] > _LARGE:
            with _told_with_path(self.path):
                self._image.draft(None, wanted)

    def pixels(self, rows: slice | None = None) -> npt.NDArray[np.uint8]:
        """Decode to RGB ``(H, W, 3)`` uint8, upright.

        Args:
            rows: which rows of :attr:`size` are wanted; ``None`` for all. There are fewer of them
                after :meth:`shrink`.

        Raises:
            ValueError: more than 8 bits a channel, transparent in these rows, or broken.
        """
        if self._image.mode in _DEEP_MODES:
            raise ValueError(
                f"{self.path}: {self._image.mode} pixels (more than 8 bits): save it as 8-bit RGB, "
                "with the exposure that networks trained on photographs expect"
            )
        upright = self._upright()
        first, last, _ = (rows or slice(None)).indices(self.size[0])
        first, last = (each * upright.height // self.size[0] for each in (first, last))
        pixels = np.empty((last - first, upright.width, 3), np.uint8)
        step = max(1, _STRIP_PIXELS // upright.width)
        for top in range(first, last, step):
            bottom = min(top + step, last)
            with _told_with_path(self.path):
                strip, opaque = _rgb(upright.crop((0, top, upright.width, bottom)))
            if not opaque:
                raise ValueError(
                    f"{self.path}: partly transparent: save it as RGB on the background you want"
                )
            pixels[top - first : bottom - first] = strip
        return pixels

    def ids(self) -> npt.NDArray[np.uint8]:
        """Decode class ids ``(H, W)`` uint8 as they are stored, upright.

        Raises:
            ValueError: a colour image, ids above 255, or a broken file.
        """
        mode = self._image.mode
        if self.is_colored:
            raise ValueError(
                f"{self.path}: a label holds one class id per pixel, this is a colour image "
                f"({mode}): point to the id map (as *_labelTrainIds.png), not its picture"
            )
        upright = self._upright()
        with _told_with_path(self.path):
            ids = np.array(upright)
        if mode == "1":
            return ids.astype(np.uint8)
        if ids.min() < 0 or ids.max() > 255:
            worst = int(ids.max()) if ids.max() > 255 else int(ids.min())
            raise ValueError(
                f"{self.path}: holds the id {worst}; class ids are 0..255, is this an instance map?"
            )
        if mode == "L" and self._grey_bits < 8:
            # Pillow stretches grey of few bits to 0..255
            ids //= 255 // (2**self._grey_bits - 1)
        return ids.astype(np.uint8, copy=False)

    def is_black(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether a part is pure black, edges in shares of width and height from 0 to 1."""
        upright = self._upright()
        width, height = upright.size
        column = min(round(left * width), width - 1)
        row = min(round(top * height), height - 1)
        box = (
            column,
            row,
            max(round(right * width), column + 1),
            max(round(bottom * height), row + 1),
        )
        with _told_with_path(self.path):
            return upright.crop(box).convert("RGB").getbbox() is None

    def _upright(self) -> Image.Image:
        if not self._is_upright:
            with _told_with_path(self.path):
                if isinstance(self._image, TiffImagePlugin.TiffImageFile):
                    # with the memory in its hands, Pillow does not check the size once more
                    stored = _stored_size(self._image)
                    self._image.im = Image.new(self._image.mode, stored).im
                self._image.load()
                # asked anew: Pillow turns TIFF files itself when it loads them
                method = _UPRIGHT.get(_orientation(self._image))
                if method is not None:
                    self._image = self._image.transpose(method)
            self._is_upright = True
        return self._image

    def _xmp_of_old_pillow(self) -> bytes:
        """Before Pillow 11, packets of JPEG and TIFF were not in ``info``."""
        heading = b"http://ns.adobe.com/xap/1.0/\0"
        for name, content in getattr(self._image, "applist", ()):
            if name == "APP1" and content.startswith(heading):
                return bytes(content[len(heading) :])
        packet = getattr(self._image, "tag_v2", {}).get(TiffImagePlugin.XMP, b"")
        return packet if isinstance(packet, bytes) else b""


@contextmanager
def open_image(path: Path) -> Iterator[EncodedImage]:
    """Open an image file and read its header.

    Raises:
        FileNotFoundError: no such file.
        OSError: the system does not let it be read; not the fault of the file.
        ValueError: not an image, broken, or too large.
    """
    with _told_with_path(path):
        mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise ValueError(f"{path}: {what}, not an image")
    with _told_with_path(path):
        file = path.open("rb")
    with file:
        file_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        with _told_with_path(path):
            if (canvas := webp_canvas(file)) is not None:
                # to open it takes memory for all of it
                _check_pixels(path, canvas, _WEBP_BYTES, file_bytes)
            image = _recognise(file)
            found = None if image is None else EncodedImage(path, image, _grey_bits(file, image))
        if image is None or found is None:
            raise ValueError(
                f"{path}: not an image that Pillow can read as PNG, JPEG, WEBP, TIFF or BMP"
            )
        _check_pixels(path, image.size, _bytes_a_pixel(image), file_bytes)
        yield found


def _recognise(file: BinaryIO) -> ImageFile.ImageFile | None:
    start = file.read(12)
    file.seek(0)
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return WebPImagePlugin.WebPImageFile(file)
    for prefix, opens in _FORMATS:
        if start.startswith(prefix):
            return opens(pixels_only(file) if prefix == SIGNATURE else file)
    return None


def _stored_size(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Width and height as they are stored; Pillow gives those of TIFF files upright."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        stored = tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH]
        if sorted(stored) != sorted(image.size):
            raise ValueError("it says two sizes")
        return stored
    return image.size


def _orientation(image: Image.Image) -> int:
    try:
        # not PngImageFile's own, which decodes all pixels first
        orientation: Any = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001  # whatever is wrong with metadata, the pixels may be whole
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _grey_bits(file: BinaryIO, image: ImageFile.ImageFile) -> int:
    """Bits that a grey pixel is stored in."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        file.seek(24)
        return file.read(1)[0]
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,))
        return int(bits[0] if isinstance(bits, tuple) else bits)
    return 8


def _bytes_a_pixel(image: ImageFile.ImageFile) -> int:
    """What decoding to RGB or to ids takes, of decoder, Pillow and the result together."""
    small = image.mode in _ONE_BYTE_MODES
    if isinstance(image, WebPImagePlugin.WebPImageFile):
        return _WEBP_BYTES
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # whose strip may be all of it
        return 6 if small else 12
    if image.info.get("progressive"):  # the coefficients of all pixels
        return 6 if small else 14
    return 4 if small else 8


def _check_pixels(path: Path, size: tuple[int, int], bytes_a_pixel: int, file_bytes: int) -> None:
    width, height = size
    pixels, limit = width * height, pixel_limit()
    if pixels > limit:
        raise ValueError(
            f"{path}: {width}×{height} pixels are more than the {limit} that are read: shrink it, "
            f"or set the environment variable {PIXEL_LIMIT_VARIABLE} to at least {pixels} if there "
            "is memory for it"
        )
    if bytes_a_pixel * pixels > max(_BOMB_BYTES, _BOMB_RATIO * file_bytes):
        raise ValueError(
            f"{path}: {file_bytes} bytes that would expand to {width}×{height} pixels: no "
            "photograph, remove it"
        )


def _rgb(strip: Image.Image) -> tuple[npt.NDArray[np.uint8], bool]:
    """Pixels, and whether all of them are opaque."""
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        if np.asarray(strip.getchannel("A")).min() < 255:
            return np.empty(0, np.uint8), False
    return np.asarray(strip.convert("RGB")), True


@contextmanager
def _told_with_path(path: Path) -> Iterator[None]:
    """Let every error of the system and of Pillow name the file."""
    try:
        yield
    except OSError as error:
        if error.errno in _OF_DECODERS:
            raise _broken(path, error) from error
        raise _of_system(path, error) from error
    except MemoryError as error:
        raise ValueError(f"{path}: not enough memory to decode it: shrink it") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path}: too large to be read ({error}): shrink it") from error
    # Pillow's decoders end in errors of any type, from struct.error to SyntaxError
    except Exception as error:
        if isinstance(error, ValueError) and str(error).startswith(f"{path}: "):
            raise
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: broken or cut off ({error}): fetch the file again, or remove it")


def _of_system(path: Path, error: OSError) -> OSError:
    reason = "no such file" if error.errno == errno.ENOENT else error.strerror
    if error.errno == errno.ENOENT and path.is_symlink():
        reason = f"a link to {path.readlink()}, which does not exist"
    told = type(error)(f"{path}: {reason}{_WAYS_OUT.get(error.errno or 0, '')}")
    told.errno = error.errno
    return told
