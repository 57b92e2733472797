"""A PNG keeps its pixels, and of its metadata what is whole and says how they are held."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.data.png_chunks import SIGNATURE, pixels_only

XMP = b"XML:com.adobe.xmp"
MIB = 1 << 20


def chunk(kind, content=b"", *, damaged=False):
    checksum = zlib.crc32(kind + content) ^ damaged
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


HEAD, PALETTE, TRANSPARENCY = chunk(b"IHDR", bytes(13)), chunk(b"PLTE", b"abc"), chunk(b"tRNS")
PIXELS, END = [chunk(b"IDAT", b"first"), chunk(b"IDAT", b"second")], chunk(b"IEND")


def kept(*chunks):
    """What is left of a file, without its signature."""
    content = pixels_only(io.BytesIO(SIGNATURE + b"".join(chunks))).read()
    assert content.startswith(SIGNATURE)
    return content.removeprefix(SIGNATURE)


def test_what_pixels_need_is_kept_in_order():
    chunks = [HEAD, PALETTE, TRANSPARENCY, *PIXELS, END]
    assert kept(*chunks) == b"".join(chunks)
    assert kept(*chunks, b"what an editor left behind") == b"".join(chunks)


WHOLE = zlib.compress(b"turned")


@pytest.mark.parametrize(
    "useful",
    [
        chunk(b"eXIf", b"II*\0"),
        chunk(b"tEXt", XMP + b"\0<x/>"),
        chunk(b"iTXt", XMP + b"\0\0\0en\0\0<x/>"),
        chunk(b"iTXt", XMP + b"\0\1\0en\0translated\0" + WHOLE),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + WHOLE),
        chunk(b"zTXt", XMP + b"\0\0" + zlib.compress(bytes(MIB - 1))),
    ],
)
def test_useful_metadata_comes_before_the_pixels(useful):
    assert kept(HEAD, *PIXELS, useful, END) == HEAD + useful + b"".join([*PIXELS, END])


@pytest.mark.parametrize(
    "useless",
    [
        chunk(b"iCCP", b"profile\0\0" + WHOLE),
        chunk(b"tEXt", b"Comment\0no one asks"),
        chunk(b"eXIf", b"II*\0", damaged=True),
        chunk(b"eXIf", bytes(MIB + 1)),
        chunk(b"tEXt", XMP + b"\0" + bytes(MIB)),
        chunk(b"zTXt", XMP + b"\0\0" + WHOLE[:-1]),  # cut short
        chunk(b"zTXt", XMP + b"\0\1" + WHOLE),  # compressed in a way that nobody knows
        chunk(b"zTXt", XMP + b"\0\0" + zlib.compress(bytes(MIB + 1))),
        chunk(b"zTXt", XMP + b"\0\0no stream"),
        chunk(b"iTXt", XMP + b"\0\1\7en\0translated\0" + WHOLE),
        chunk(b"zTXt", XMP),
    ],
)
def test_other_metadata_is_left_out(useless):
    assert kept(HEAD, useless, *PIXELS, useless, END) == b"".join([HEAD, *PIXELS, END])


def test_what_is_broken_is_for_the_decoder():
    for broken in (b"\0\0\0\1 no chunk", PIXELS[0][:-6]):
        assert kept(HEAD, chunk(b"tIME"), broken) == HEAD + broken
    assert kept() == b""


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(-3, 200), st.integers(0, 60)), max_size=8))
def test_the_parts_are_read_as_one_file(steps):
    chunks = [HEAD, chunk(b"tIME", bytes(7)), PIXELS[0], chunk(b"tIME"), PIXELS[1], END]
    parts = pixels_only(io.BytesIO(SIGNATURE + b"".join(chunks)))
    whole = io.BytesIO(SIGNATURE + b"".join([HEAD, *PIXELS, END]))
    size = len(whole.getvalue())
    assert parts.seek(0, io.SEEK_END) == size
    for position, count in steps:
        if position < 0:
            assert parts.seek(position, io.SEEK_END) == whole.seek(position, io.SEEK_END)
        else:
            assert parts.seek(position) == whole.seek(position)
        assert parts.read(count) == whole.read(count)
        assert parts.tell() == whole.tell()
