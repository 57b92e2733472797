"""How configuration files are read: whatever the locale, with their parts in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Path as ConfigPath  # type: ignore[attr-defined]  # not in its __all__

from goodsam_pl.files.presets import composed
from goodsam_pl.files.yaml_text import load_yaml, read_yaml_text

__all__ = ["checked_config", "read_configs_whole"]


def read_configs_whole() -> None:
    """Let jsonargparse, which opens files in the encoding of the locale, read them as we do.

    It unfolds aliases and takes the last of two equal keys; what unfolds too far, and keys that are
    there twice, are refused before it sees them. It takes the path of a part where a class or a
    group is expected, but lets no value stand beside it: what it gets is one file without parts.
    """
    name = "read_text" if hasattr(ConfigPath, "read_text") else "get_content"  # before 4.49
    original = getattr(ConfigPath, name)
    if not hasattr(original, "reads_whole"):
        setattr(ConfigPath, name, _reading_whole(original))


def _reading_whole(original: Any) -> Any:
    def read(self: Any, *args: Any, **keywords: Any) -> Any:
        path = Path(self.absolute)
        return original(self, *args, **keywords) if not path.is_file() else checked_config(path)

    read.reads_whole = True  # type: ignore[attr-defined]
    return read


def checked_config(path: Path) -> str:
    """The text of a file, once it is known that it unfolds to what it looks like.

    Where it is made of parts (:mod:`goodsam_pl.files.presets`), the text of all in one.

    Raises:
        ValueError: it does not, it is no YAML, or has a key twice; the message names the line.
    """
    text = read_yaml_text(path)
    try:
        tree = load_yaml(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    whole = composed(tree, path)
    return text if whole == tree else yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
