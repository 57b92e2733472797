"""Which weights are on this machine, and how to get the others; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import goodsam_pl
from goodsam_pl.cli.doctor.findings import Finding, Section
from goodsam_pl.cli.sketch import source_of

__all__ = ["ON_THE_HUB", "hub_cache", "weights_at_hand"]

ON_THE_HUB = {
    "smp-hub/segformer-b5-1024x1024-city-160k": "the released teacher assistant of Cityscapes",
    "facebook/sam2.1-hiera-tiny": "a SAM 2",
    "facebook/sam3": "SAM 3, after its terms were accepted",
}
"""What our configurations and pages name, and what it is."""

_OFFICIAL = "goodsam_pl.sam.official_checkpoints"


def weights_at_hand() -> Section:
    """Packaged weights, official SAM checkpoints in their cache, models in the hub's cache."""
    packaged, findings = _packaged(Path(goodsam_pl.__file__).parent / "pretrained")
    rows = {"packaged": ", ".join(packaged) or "none"}
    official: dict[str, Any] = {}
    try:
        known = _alone(_OFFICIAL)
    except (ImportError, OSError):  # of torch; the devices tell of it
        rows["official SAM"] = "unknown without torch"
    else:
        for model in known.OFFICIAL:
            path, state = known.weights_path(model), known.state_at_hand(model)
            official[model] = {"path": path, "state": state}
            rows[model] = f"{_SAID[state]}{path}"
            if state == "absent":
                rows[model] = f"not here: goodsam weights {model}"
            elif state == "other":
                findings.append(
                    Finding(
                        f"{path} is not the published {model}: it has another size",
                        f"goodsam weights {model} --force true",
                        is_broken=False,
                    )
                )
    folder = hub_cache()
    cached = sorted(
        each.name.removeprefix("models--").replace("--", "/")
        for each in folder.glob("models--*")
        if _has_weights(each)
    )
    rows["hub"] = f"{', '.join(cached) or 'nothing'} in {folder}"
    for name, what in ON_THE_HUB.items():
        if name not in cached:
            rows[name] = f"{what}, not here: hf download {name}"
    content = {
        "packaged": packaged,
        "official": official,
        "hub": {"folder": folder, "cached": cached},
    }
    return Section("weights", rows, content, findings)


_SAID = {
    "absent": "",
    "published": "there, checked: ",
    "unchecked": "there, its hash is checked when it is first used: ",
    "other": "there, but not the published file: ",
}


def hub_cache() -> Path:
    """Folder of downloaded models, found as ``huggingface_hub`` finds it."""
    if named := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("HF_HOME", f"{cache}/huggingface")).expanduser() / "hub"


def _has_weights(model: Path) -> bool:
    """Whether a download came to its end: its folder is there before it begins."""
    return any(path.is_file() for path in model.glob("snapshots/*/*.safetensors"))


def _packaged(folder: Path) -> tuple[list[str], list[Finding]]:
    """Weights that have a card beside them; a card without is of a damaged installation."""
    names = sorted(card.stem for card in folder.glob("*.md"))
    lost = [name for name in names if not _is_whole(folder / f"{name}.safetensors")]
    again = f"{sys.executable} -m pip install --force-reinstall --no-deps goodsam_pl"
    findings = [
        Finding(f"{folder / name}.safetensors is missing or cut off", again) for name in lost
    ]
    if not names:
        findings = [Finding(f"{folder} has no weights, which are part of the package", again)]
    return [name for name in names if name not in lost], findings


def _is_whole(path: Path) -> bool:
    """Whether a safetensors file is as long as its header says."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size
        if length > size:
            return False
        content = file.read(length)
    try:
        header = json.loads(content)
        ends = [each["data_offsets"][1] for name, each in header.items() if name != "__metadata__"]
        return bool(8 + length + max(ends, default=0) == size)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return False


def _alone(name: str) -> ModuleType:
    """A module without its room, which would take seconds to import."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, source_of(name))
    assert spec is not None  # noqa: S101  # it has a file
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
