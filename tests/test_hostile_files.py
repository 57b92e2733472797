"""Every reader against spoiled files: read, or refused by an error that names the file."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from fuzz_readers import ending, fuzz
from hostile_files.kinds import all_kinds
from hostile_files.mutations import spoil_json
from hostile_files.records import spoil_checkpoint, spoil_record, spoil_safetensors

INPUTS = int(os.environ.get("GOODSAM_FUZZ_INPUTS", "600"))
THING = "planted_module.Thing"


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A module that can be imported, and must not be; returns whether it was."""
    marker = tmp_path / "imported"
    module = tmp_path / "path" / "planted_module.py"
    module.parent.mkdir()
    module.write_text(f"open({str(marker)!r}, 'w')\nclass Thing: ...\n")
    monkeypatch.syspath_prepend(str(module.parent))
    return lambda: marker.exists() or "planted_module" in sys.modules


def test_spoiled_files_are_read_or_refused_by_name(tmp_path, planted):
    (tmp_path / "files").mkdir()
    outcome = fuzz(INPUTS, 0, tmp_path / "files")
    assert outcome.other == {}
    assert outcome.read > INPUTS / 10
    assert outcome.named > INPUTS / 4
    assert outcome.memory_mb < 500
    assert not planted()


def test_no_name_in_a_file_is_ever_imported(tmp_path, planted):
    """Every text of every file, one after the other, becomes the name of a class."""
    (tmp_path / "files").mkdir()
    tried = 0
    for kind in all_kinds(tmp_path / "files"):
        for content in named_everywhere(kind):
            kind.path.write_bytes(content)
            endings = {ending(kind, read) for read in kind.reads}
            assert endings <= {"read", "named"}, kind.name
            assert not planted(), kind.name
            tried += 1
    assert tried > 100


def named_everywhere(kind: Any) -> Iterator[bytes]:
    content = kind.path.read_bytes()
    if kind.spoil is spoil_json:
        yield from (json.dumps(tree).encode() for tree in renamed(json.loads(content)))
    elif kind.spoil is spoil_checkpoint:
        for tree in renamed(torch.load(io.BytesIO(content), weights_only=True)):
            stream = io.BytesIO()
            torch.save(tree, stream)
            yield stream.getvalue()
    elif kind.spoil is spoil_safetensors:
        (length,) = struct.unpack("<Q", content[:8])
        header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]
        for card in renamed(json.loads(header["__metadata__"]["goodsam_pl"])):
            text = json.dumps({**header, "__metadata__": {"goodsam_pl": json.dumps(card)}}).encode()
            yield struct.pack("<Q", len(text)) + text + rest
    elif kind.spoil is spoil_record:
        dice = random.Random(0)  # noqa: S311  # not for secrets
        yield from (kind.spoil(content, dice) for _ in range(20))
    elif content.isascii():
        lines = content.decode().split("\n")
        for place, line in enumerate(lines):
            named = f"{line.partition(':')[0]}: {THING}" if ":" in line else THING
            yield "\n".join([*lines[:place], named, *lines[place + 1 :]]).encode()


def renamed(tree: Any) -> Iterator[Any]:
    """The tree with another of its texts replaced each time."""
    if isinstance(tree, str):
        yield THING
        yield {"class_path": THING, "init_args": {}}
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from ({**tree, key: each} for each in renamed(value))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from ([*tree[:place], each, *tree[place + 1 :]] for each in renamed(value))
