"""How configuration files are read, whatever the locale."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from jsonargparse import Path as ConfigPath  # type: ignore[attr-defined]  # not in its __all__

__all__ = ["read_config", "read_configs_as_utf8"]

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_config(path: Path) -> str:
    """Read UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises:
        ValueError: text in another encoding.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error


def read_configs_as_utf8() -> None:
    """Let jsonargparse do so, too, which opens files in the encoding of the locale."""
    name = "read_text" if hasattr(ConfigPath, "read_text") else "get_content"  # before 4.49
    original = getattr(ConfigPath, name)
    if not hasattr(original, "reads_utf8"):
        setattr(ConfigPath, name, _reading_utf8(original))


def _reading_utf8(original: Any) -> Any:
    def read(self: Any, *args: Any, **keywords: Any) -> Any:
        path = Path(self.absolute)
        return original(self, *args, **keywords) if not path.is_file() else read_config(path)

    read.reads_utf8 = True  # type: ignore[attr-defined]
    return read
