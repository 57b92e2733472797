"""Records of masks, archives of arrays and checkpoints, spoiled inside with checksums that fit."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
import torch

from hostile_files.mutations import spoil_bytes, spoil_tree

__all__ = ["spoil_archive", "spoil_checkpoint", "spoil_record", "spoil_safetensors"]

_MAGIC = b"GOODSAM\0"
_NUMBERS = (
    *(np.zeros(0), np.zeros((0, 0, 0), bool), np.full(3, np.nan), np.array(1.0), np.array(["a"])),
    *(np.ones((2, 4, 8), bool), np.full((2, 3), 2**40), np.zeros((1, 1, 1), np.uint8)),
    *(np.zeros(1 << 21, np.uint8), np.zeros((1, 1 << 10, 1 << 12), bool)),
)


def spoil_record(content: bytes, dice: random.Random) -> bytes:
    """Spoil the header of a record, or one of its arrays, and let checksums fit."""
    if dice.random() < 0.2:
        return spoil_bytes(content, dice)
    begin = len(_MAGIC) + 8
    length, _ = struct.unpack("<II", content[len(_MAGIC) : begin])
    header, rest = json.loads(content[begin : begin + length]), content[begin + length :]
    if dice.random() < 0.5:
        header = spoil_tree(header, dice)
    else:
        rest = _spoil_array(header, rest, dice)
    text = json.dumps(header).encode()
    return b"".join([_MAGIC, struct.pack("<II", len(text), zlib.crc32(text)), text, rest])


def _spoil_array(header: dict[str, Any], rest: bytes, dice: random.Random) -> bytes:
    spoiled, parts, place = dice.randrange(len(header["arrays"])), [], 0
    for index, row in enumerate(header["arrays"]):
        part = rest[place : place + row[4]]
        place += row[4]
        if index == spoiled and row[3] == "zlib":
            plain = bytearray(zlib.decompress(part))
            for _ in range(dice.choice([1, 2, 8]) if plain else 0):
                plain[dice.randrange(len(plain))] = dice.randrange(256)
            part = zlib.compress(bytes(plain))
            row[4:] = len(part), zlib.crc32(part)
        parts.append(part)
    return b"".join(parts)


def spoil_archive(content: bytes, dice: random.Random) -> bytes:
    """Put other arrays into an ``.npz`` file, or other headers before them."""
    if dice.random() < 0.3:
        return spoil_bytes(content, dice)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    name = dice.choice(list(members))
    match dice.randrange(5):
        case 0:
            members.pop(name)
        case 1:
            array = io.BytesIO()
            np.save(array, dice.choice(_NUMBERS))
            members[name] = array.getvalue()
        case 2:
            members[name] = spoil_bytes(members[name], dice)
        case 3:
            old_shape = members[name][10:128]
            members[name] = members[name].replace(
                old_shape, old_shape.replace(b"(", dice.choice([b"(-", b"(9", b"(999999999"]))[:118]
            )
        case _:
            members[dice.choice(["other.npy", "window.npy", "ensemble.1.npy"])] = members[name]
    with zipfile.ZipFile(
        stream, "w", dice.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    ) as new:
        for each, part in members.items():
            new.writestr(each, part)
    return stream.getvalue()


def spoil_checkpoint(content: bytes, dice: random.Random) -> bytes:
    """Put other values into what ``torch.save`` saved."""
    if dice.random() < 0.5:
        return spoil_bytes(content, dice)
    tree = torch.load(io.BytesIO(content), weights_only=True)
    stream = io.BytesIO()
    torch.save(_with_tensors(spoil_tree(_without_tensors(tree), dice)), stream)
    return stream.getvalue()


def spoil_safetensors(content: bytes, dice: random.Random) -> bytes:
    """Put other values into the header of safetensors, and into the card inside it."""
    if dice.random() < 0.4:
        return spoil_bytes(content, dice)
    (length,) = struct.unpack("<Q", content[:8])
    header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]
    metadata = header["__metadata__"]
    if dice.random() < 0.7:
        card = json.loads(metadata["goodsam_pl"])
        metadata["goodsam_pl"] = json.dumps(spoil_tree(card, dice))
    else:
        header = spoil_tree(header, dice)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def _without_tensors(tree: Any) -> Any:
    if isinstance(tree, torch.Tensor):
        return ["tensor", *tree.shape]
    if isinstance(tree, dict):
        return {key: _without_tensors(value) for key, value in tree.items()}
    return [_without_tensors(each) for each in tree] if isinstance(tree, list) else tree


def _with_tensors(tree: Any) -> Any:
    if isinstance(tree, list) and tree[:1] == ["tensor"]:
        sides = [side for side in tree[1:] if type(side) is int and 0 <= side < 100]
        return torch.zeros(sides)
    if isinstance(tree, dict):
        return {key: _with_tensors(value) for key, value in tree.items()}
    return [_with_tensors(each) for each in tree] if isinstance(tree, list) else tree
