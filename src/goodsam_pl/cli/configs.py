"""How configuration files are read, whatever the locale."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from jsonargparse import Path as ConfigPath  # type: ignore[attr-defined]  # not in its __all__

from goodsam_pl.files import read_regular
from goodsam_pl.files.yaml_text import check_yaml

__all__ = ["checked_config", "read_config", "read_configs_as_utf8"]

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_config(path: Path) -> str:
    """Read UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises:
        ValueError: text in another encoding.
    """
    content = read_regular(path)
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error


def read_configs_as_utf8() -> None:
    """Let jsonargparse do so, too, which opens files in the encoding of the locale.

    It unfolds aliases and takes the last of two equal keys; what unfolds too far, and keys that are
    there twice, are refused before it sees them.
    """
    name = "read_text" if hasattr(ConfigPath, "read_text") else "get_content"  # before 4.49
    original = getattr(ConfigPath, name)
    if not hasattr(original, "reads_utf8"):
        setattr(ConfigPath, name, _reading_utf8(original))


def _reading_utf8(original: Any) -> Any:
    def read(self: Any, *args: Any, **keywords: Any) -> Any:
        path = Path(self.absolute)
        return original(self, *args, **keywords) if not path.is_file() else checked_config(path)

    read.reads_utf8 = True  # type: ignore[attr-defined]
    return read


def checked_config(path: Path) -> str:
    """As :func:`read_config`, once it is known that the text unfolds to what it looks like.

    Raises:
        ValueError: it does not, it is no YAML, or has a key twice; the message names the line.
    """
    text = read_config(path)
    try:
        check_yaml(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return text
