"""Ways to spoil a file: bytes of it, values in it, and bytes that checksums cover."""

from __future__ import annotations

import copy
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Mutation", "spoil_bytes", "spoil_json", "spoil_lines", "spoil_png", "spoil_tree"]

Mutation = Callable[[bytes, random.Random], bytes]

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 5, 255, 2**31, 2**63, 10**30, 0.5, -1e308),
    *(float("nan"), float("inf"), "", "x", "0", "os.system", "planted_module.Thing", "../../x"),
    *("é\0", "\ud800", "a" * 5000, "0" * 64, [], {}, [1], [[]], [None], {"a": 1}, {"": None}),
    *([1] * 3000, {"class_path": "planted_module.Thing", "init_args": {}}),
)
"""What takes the place of a value; the module is one that must never be imported."""

_TEXTS = (
    *("null", "5", "-1", "[]", "{}", "true", "[1, {a: b}]", '"{nope}"', "{5: 6}", "2020-13-45"),
    *(".nan", "1e999", "0x" + "f" * 300, "1:" * 200 + "1", "!!python/name:os.system", "*a", "&a"),
    *("planted_module.Thing", "!!binary x", "? [a]", "<<: [*a]", "@", "`", "%", "\t", "é", "="),
)


def spoil_bytes(content: bytes, dice: random.Random) -> bytes:
    """Flip bits, set bytes, cut off, insert, remove or repeat stretches."""
    spoiled = bytearray(content or b"\0")
    for _ in range(dice.choice([1, 1, 2, 5])):
        place = dice.randrange(len(spoiled))
        if dice.random() < 0.5:  # headers are where it matters
            place = min(place, dice.randrange(min(len(spoiled), 400)))
        match dice.randrange(6):
            case 0:
                spoiled[place] ^= 1 << dice.randrange(8)
            case 1:
                spoiled[place] = dice.choice([0, 1, 127, 128, 255, dice.randrange(256)])
            case 2:
                del spoiled[place : place + dice.randrange(1, 30)]
            case 3:
                spoiled[place:place] = dice.randbytes(dice.randrange(1, 20))
            case 4:
                spoiled[place:place] = spoiled[place : place + dice.randrange(1, 60)]
            case _:
                if dice.random() < 0.3:
                    spoiled = spoiled[:place]
        spoiled = spoiled or bytearray(b"\0")
    return bytes(spoiled)


def spoil_tree(tree: Any, dice: random.Random) -> Any:
    """Put other values in the place of some, remove or repeat some, anywhere in a tree."""
    tree = copy.deepcopy(tree)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        places = list(_places(tree))
        if not places:
            return dice.choice(VALUES)
        owner, key = dice.choice(places)
        match dice.randrange(5):
            case 0:
                del owner[key]
            case 1:
                owner[key] = [owner[key]]
            case 2 if isinstance(owner[key], int | float):
                owner[key] = owner[key] * dice.choice([-1, 2, 1000, 10**6]) + dice.choice([0, 1])
            case _:
                owner[key] = copy.deepcopy(dice.choice(VALUES))
    return tree if dice.random() > 0.03 else dice.choice(VALUES)


def spoil_json(content: bytes, dice: random.Random) -> bytes:
    """Spoil the values of a JSON file, seldom its bytes."""
    if dice.random() < 0.25:
        return spoil_bytes(content, dice)
    return json.dumps(spoil_tree(json.loads(content), dice)).encode()


def spoil_lines(content: bytes, dice: random.Random) -> bytes:
    """Spoil lines of a YAML file, of a table or of a list, seldom its bytes."""
    if dice.random() < 0.25:
        return spoil_bytes(content, dice)
    lines = content.decode().split("\n")
    for _ in range(dice.choice([1, 1, 2])):
        place = dice.randrange(len(lines))
        line = lines[place]
        head = line.split(":")[0] if ":" in line else line.rpartition(",")[0]
        match dice.randrange(5):
            case 0 if len(lines) > 1:
                del lines[place]
            case 1:
                lines[place] = f"{head}: {dice.choice(_TEXTS)}"
            case 2:
                lines[place] = " " * dice.randrange(5) + line
            case 3:
                lines.insert(place, line)
            case _:
                lines[place] = f"{head},{dice.choice(_TEXTS)}" if "," in line else f"{line}:"
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def spoil_png(content: bytes, dice: random.Random) -> bytes:
    """Spoil the bytes of a PNG, mostly with checksums that fit."""
    spoiled = spoil_bytes(content, dice)
    return spoiled if dice.random() < 0.3 else _with_checksums(spoiled)


def _with_checksums(content: bytes) -> bytes:
    fixed, place = bytearray(content[:8]), 8
    while place + 8 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunk = content[place + 4 : place + 8 + length]
        fixed += content[place : place + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        place += 12 + length
    return bytes(fixed)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as what holds it and its key there."""
    pairs = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)
