from __future__ import annotations

import errno
import os
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from goodsam_pl.data import read_image, read_label
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.webp_header import webp_canvas

FORMATS = {"png": "png", "jpg": "jpeg", "webp": "webp", "tif": "tiff", "bmp": "bmp"}


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width, height, pixels=b"", bits=8, colour=2, before=b"", after=b""):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            before,
            chunk(b"IDAT", zlib.compress(pixels, 9)),
            after,
            chunk(b"IEND", b""),
        ]
    )


def small_png(before=b"", after=b""):
    return png(4, 2, (b"\0" + bytes(range(12))) * 2, before=before, after=after)


LARGE = zlib.compress(b"a" * (3 << 20))
XMP = b"XML:com.adobe.xmp"


@pytest.mark.parametrize(
    "metadata",
    [
        chunk(b"iTXt", XMP + b"\0\1\0\0\0" + LARGE),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + LARGE),
        chunk(b"tEXt", XMP + b"\0" + b"a" * (2 << 20)),
        chunk(b"iCCP", b"profile\0\0" + LARGE),
        chunk(b"iCCP", b"profile\0\7" + LARGE),
        b"".join(chunk(b"tEXt", b"%d\0" % n + b"a" * (1 << 20)) for n in range(70)),
        chunk(b"iTXt", XMP + b"\0\1\0\0\0" + LARGE[:100]),
        chunk(b"iTXt", XMP),
        chunk(b"zTXt", b"Raw profile type exif\0\7"),
        chunk(b"tEXt", b"Raw profile type exif\0no hex"),
        chunk(b"pHYs", b""),
        chunk(b"gAMA", b"\1"),
        chunk(b"cHRM", b"\1"),
        chunk(b"sRGB", b""),
        chunk(b"eXIf", b"II"),
        chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
        chunk(b"tEXt", b"comment\0text")[:-1] + b"\0",
        chunk(b"eXIf", b"II*\0\x08\0\0\0")[:-1] + b"\0",
    ],
)
def test_metadata_never_makes_a_png_unreadable(tmp_path, metadata):
    path = tmp_path / "a.png"
    path.write_bytes(small_png())
    expected = read_image(path)
    for content in (small_png(before=metadata), small_png(after=metadata)):
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert (read_image(path) == expected).all()


@pytest.mark.parametrize("place", ["before", "after"])
def test_what_png_metadata_says_of_the_pixels_is_used(tmp_path, place):
    exif = Image.Exif()
    exif[0x0112] = 6
    packet = b"<x tiff:Orientation='6'>".replace(b"'", b'"')
    for name, metadata in {
        "exif": chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")),
        "xmp": chunk(b"iTXt", XMP + b"\0\0\0\0\0" + packet),
        "packed": chunk(b"iTXt", XMP + b"\0\1\0en\0tr\0" + zlib.compress(packet)),
    }.items():
        (tmp_path / f"{name}.png").write_bytes(small_png(**{place: metadata}))
        with open_image(tmp_path / f"{name}.png") as image:
            assert (image.size, image.orientation) == ((4, 2), 6)
            assert image.xmp == (b"" if name == "exif" else packet)
        assert read_image(tmp_path / f"{name}.png")[:, :, 0].tolist() == [
            *([0, 0], [3, 3], [6, 6], [9, 9])
        ]


def test_transparency_of_a_png_is_kept(tmp_path):
    first_pixel = struct.pack(">HHH", 0, 1, 2)
    (tmp_path / "a.png").write_bytes(small_png(before=chunk(b"tRNS", first_pixel)))
    with pytest.raises(ValueError, match=r"a\.png: partly transparent"):
        read_image(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(small_png(before=chunk(b"tRNS", bytes(6))))
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format(tmp_path, suffix, orientation):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16], upright[8:, 16:] = (240, 20, 20), (20, 20, 240)
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation)
    stored = Image.fromarray(upright)
    if undo is not None:
        method = {
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_270,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_90,
        }[undo]
        stored = stored.transpose(method)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    stored.save(path, exif=exif)
    if suffix == "bmp":  # has no EXIF
        assert read_image(path).shape[:2] == stored.size[::-1]
        return
    with open_image(path) as image:
        assert (image.size, image.orientation) == ((16, 32), orientation)
        pixels = image.pixels()
        assert (image.pixels(slice(9, 13)) == pixels[9:13]).all()
    assert pixels.shape == upright.shape
    assert np.abs(pixels[1:6, 2:14].astype(int) - (240, 20, 20)).max() < 40
    assert np.abs(pixels[10:, 18:].astype(int) - (20, 20, 240)).max() < 40


@pytest.mark.parametrize(("bits", "ids"), [(1, [0, 1]), (2, [0, 1, 2, 3]), (4, [0, 1, 3, 8, 15])])
def test_ids_of_few_bits_are_read_as_they_stand(tmp_path, bits, ids):
    per_byte = 8 // bits
    row = [ids[column % len(ids)] for column in range(16)]
    packed = bytes(
        sum(row[start + k] << (8 - bits * (k + 1)) for k in range(per_byte))
        for start in range(0, 16, per_byte)
    )
    (tmp_path / "a.png").write_bytes(png(16, 2, (b"\0" + packed) * 2, bits, colour=0))
    assert read_label(tmp_path / "a.png").tolist() == [row, row]
    # the same as TIFF, uncompressed, black is 0
    tags = {256: 16, 257: 1, 258: bits, 259: 1, 262: 1, 273: 122, 277: 1, 278: 1, 279: len(packed)}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    (tmp_path / "a.tif").write_bytes(head + directory + bytes(4) + packed)
    assert len(head + directory) + 4 == 122
    assert read_label(tmp_path / "a.tif").tolist() == [row]


def test_palettes_of_few_bits_keep_their_indices(tmp_path):
    ids = np.array([[0, 1, 3, 2]], np.uint8)
    label = Image.fromarray(ids)
    label.putpalette([0, 0, 0, 90, 90, 90, 200, 0, 0, 0, 200, 0])
    for suffix, options in {"png": {"bits": 2}, "tif": {}, "bmp": {}}.items():
        label.save(tmp_path / f"a.{suffix}", **options)
        assert read_label(tmp_path / f"a.{suffix}").tolist() == ids.tolist()


def test_other_formats_are_not_opened_whatever_they_are_called(tmp_path):
    pixels = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    for kind in ("GIF", "PPM", "TGA", "ICO"):
        pixels.save(tmp_path / "a.png", kind)
        with pytest.raises(
            ValueError, match=r"a\.png: not an image that Pillow can read as PNG, J"
        ):
            read_image(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    with pytest.raises(ValueError, match=r"a\.png: not an image that Pillow can read as PNG"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_wrong_suffix_is_no_matter(tmp_path, suffix):
    Image.fromarray(np.full((4, 4, 3), 7, np.uint8)).save(tmp_path / "a", FORMATS[suffix])
    (tmp_path / "a").rename(tmp_path / "b.jpg")
    assert np.abs(read_image(tmp_path / "b.jpg").astype(int) - 7).max() <= 2


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "Permission denied: the file may be whole, ask for the right to read it$"),
        (errno.EIO, "Input/output error: the disk or the network reports this, the file may be wh"),
        (
            errno.EMFILE,
            r"Too many open files: raise the limit of open files \(ulimit -n\), or",
        ),
        (errno.ESTALE, "Stale file handle$"),
    ],
)
def test_errors_of_the_system_are_told_as_they_are(write_image, monkeypatch, number, advice):
    path = write_image("a.png")

    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    for owner, call in ((Path, "open"), (Path, "stat"), (PngImagePlugin.PngImageFile, "load")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, call, fail)
            with pytest.raises(OSError, match=advice) as error:
                read_image(path)
        assert str(error.value).startswith(f"{path}: ")
        assert error.value.errno == number
        assert isinstance(error.value, PermissionError) == (number == errno.EACCES)


def test_what_is_no_file_is_told_so(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "lost.png").symlink_to("gone.png")
    with pytest.raises(ValueError, match=r"pipe\.png: no regular file, not an image"):
        read_image(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match=r"folder\.png: a folder, not an image"):
        read_image(tmp_path / "folder.png")
    with pytest.raises(FileNotFoundError, match=r"lost\.png: a link to gone\.png, which does not"):
        read_image(tmp_path / "lost.png")


@pytest.mark.parametrize("suffix", FORMATS)
def test_damage_of_any_kind_names_the_file(tmp_path, suffix):
    stream = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, FORMATS[suffix])
    content = stream.getvalue()
    path = tmp_path / f"a.{suffix}"
    draw = np.random.default_rng(1)
    told = []
    for _ in range(150):
        damaged = bytearray(content)
        for place in draw.integers(0, min(len(content), 400), draw.integers(1, 6)):
            damaged[place] = draw.choice([0, 1, 127, 128, 255])
        path.write_bytes(damaged[: draw.integers(1, len(content) + 1)])
        told += [complaint_of(read_image, path), complaint_of(read_label, path)]
    complaints = [complaint for complaint in told if complaint is not None]
    assert len(complaints) > 100
    assert all(complaint.startswith(f"{path}: ") for complaint in complaints)


def complaint_of(read, path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except ValueError as error:
        return str(error)
    return None


def test_panoramas_beyond_pillows_own_limit_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    for suffix in ("png", "tif", "bmp"):
        Image.fromarray(pixels).save(tmp_path / f"a.{suffix}")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert (read_image(tmp_path / f"a.{suffix}") == pixels).all()


def test_the_limit_can_be_set(write_image, monkeypatch):
    path = write_image("a.png", 10, 20)
    monkeypatch.setenv("GOODSAM_MAX_PIXELS", "199")
    with pytest.raises(
        ValueError,
        match=r"a\.png: 20×10 pixels are more than the 199 that are read: shrink it, or set the "
        r"environment variable GOODSAM_MAX_PIXELS to at least 200",
    ):
        read_image(path)
    monkeypatch.setenv("GOODSAM_MAX_PIXELS", "200")
    assert read_image(path).shape == (10, 20, 3)
    monkeypatch.setenv("GOODSAM_MAX_PIXELS", "many")
    with pytest.raises(ValueError, match=r"GOODSAM_MAX_PIXELS is 'many': give a number of pixels"):
        read_image(path)


def test_small_files_that_expand_to_gigabytes_are_refused_by_their_header(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(60_000, 30_000))
    with pytest.raises(ValueError, match=r"bomb\.png: 60000×30000 pixels are more than the 536870"):
        read_image(path)
    path.write_bytes(png(30_000, 15_000))
    with pytest.raises(ValueError, match=r"bomb\.png: \d+ bytes that would expand to 30000×15000"):
        read_image(path)


def test_large_jpegs_are_decoded_smaller(tmp_path, monkeypatch):
    ramp = np.zeros((128, 256, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(128)[:, None] * 2, np.arange(256)
    Image.fromarray(ramp).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    with open_image(tmp_path / "a.jpg") as image:
        image.shrink(64)
        assert image.pixels().shape == (128, 256, 3)
    monkeypatch.setattr("goodsam_pl.data.decoding._LARGE", 128 * 256 - 1)
    with open_image(tmp_path / "a.jpg") as image:
        image.shrink(64)
        assert image.size == (128, 256)
        part = image.pixels(slice(32, 96)).astype(int)
    assert part.shape == (16, 64, 3)
    assert np.abs(part - ramp[32:96].reshape(16, 4, 64, 4, 3).mean(axis=(1, 3))).max() < 6


def canvas(width, height, kind):
    """The beginning of a WEBP of that size, and nothing after it."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    picture = (width - 1 | (height - 1) << 14).to_bytes(4, "little")
    body = {
        b"VP8X": bytes(4) + sides,
        b"VP8L": b"\x2f" + picture + bytes(8),
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(8),
    }[kind]
    content = b"WEBP" + kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(content)) + content


@pytest.mark.parametrize("kind", [b"VP8X", b"VP8L", b"VP8 "])
def test_a_webp_is_refused_by_its_header_before_its_decoder_takes_memory(tmp_path, kind):
    path = tmp_path / "bomb.webp"
    path.write_bytes(canvas(16383, 16383, kind))
    with pytest.raises(ValueError, match=r"bomb\.webp: \d+ bytes that would expand to 16383×16383"):
        read_image(path)


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 50}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}]
)
def test_the_size_of_a_webp_is_that_of_its_decoder(tmp_path, options):
    path = tmp_path / "a.webp"
    Image.fromarray(np.zeros((37, 1000, 3), np.uint8)).save(path, **options)
    with path.open("rb") as file:
        assert webp_canvas(file) == (1000, 37)
        assert file.tell() == 0


def test_numbers_where_tags_should_be_take_no_memory(tmp_path):
    """As many zeros would be made of a number."""
    path = tmp_path / "a.tif"
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[700], tags.tagtype[700] = 4_000_000_000, 4
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(path, tiffinfo=tags)
    with open_image(path) as image:
        assert image.xmp == b""
    assert read_image(path).shape == (4, 8, 3)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RecursionError(), SyntaxError("x"), struct.error("x"), KeyError(1), EOFError()],
)
@pytest.mark.parametrize("call", ["__init__", "load", "getexif"])
def test_whatever_a_decoder_ends_in_names_the_file(write_image, monkeypatch, error, call):
    path = write_image("a.png")

    def fail(*arguments, **keywords):
        raise error

    owner = Image.Image if call == "getexif" else PngImagePlugin.PngImageFile
    monkeypatch.setattr(owner, call, fail)
    for read in (read_image, read_label):
        told = complaint_of(read, path)
        assert (call == "getexif" and told is None) or told.startswith(f"{path}: ")
