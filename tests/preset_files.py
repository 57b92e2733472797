"""Our presets, for tests of several folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from goodsam_pl.files.presets import read_preset

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
ROADS = (
    "continual",
    "densepass",
    "evaluation",
    "goodsam",
    "own",
    "real",
    "ssr",
    "streetworld",
    "wsss",
)
"""Folders of presets; the others hold parts of them, and classes of one's own."""
PRESETS = sorted(
    f"{road}/{path.name}" for road in ROADS for path in (CONFIGS / road).glob("*.yaml")
)


def whole(name: str, put: Mapping[str, str] | None = None) -> str:
    """The text of a preset in one file, pieces of it replaced in this order."""
    tree = read_preset(CONFIGS / name)
    text = yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, allow_unicode=True)
    for old, new in (put or {}).items():
        text = text.replace(old, new)
    return text
