"""Text files as other programs write them."""

from __future__ import annotations

import codecs
from pathlib import Path

from goodsam_pl.files import read_regular

__all__ = ["read_lines", "read_text"]

# UTF-32 first: its mark begins as that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """Read UTF-8, or what a byte order mark says, as Windows programs write it.

    Raises:
        OSError: the file cannot be read.
        ValueError: text in another encoding, or no file.
    """
    content = read_regular(path)
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: no {encoding.removesuffix('-sig').upper()} text (byte {error.start}: "
            f"{error.reason}): save it as UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError(f"{path}: no UTF-8 text, perhaps UTF-16 without a mark: save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a list that are not empty, each with its number, from 1.

    Raises:
        OSError: the file cannot be read.
        ValueError: text in another encoding.
    """
    lines = enumerate(read_text(path).split("\n"), start=1)
    return [(number, stripped) for number, line in lines if (stripped := line.strip())]
