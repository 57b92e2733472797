"""Records and stores that were made to harm."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, MaskStoreError
from goodsam_pl.masks.container import _LENGTHS, _MAGIC
from goodsam_pl.sam import Felzenszwalb

KEY = "0123456789abcdef" * 4


@pytest.fixture
def store(tmp_path: Path) -> MaskStore:
    windows = WindowGrid.cover((32, 64), (32, 32), (32, 32))
    view = {"vertical_fov": 90.0, "file_vertical_fov": 90.0}
    made = MaskStore.create(tmp_path / "masks", windows, Felzenszwalb(), view)
    image = torch.randint(0, 255, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    made.write(KEY, "a.png", Felzenszwalb().propose(image.to(torch.uint8)))
    return made


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    begin = len(_MAGIC) + _LENGTHS.size
    length, _ = _LENGTHS.unpack(content[len(_MAGIC) : begin])
    return json.loads(content[begin : begin + length]), content[begin + length :]


def join(header: object, rest: bytes) -> bytes:
    text = json.dumps(header).encode()
    return b"".join([_MAGIC, _LENGTHS.pack(len(text), zlib.crc32(text)), text, rest])


def is_refused(store: MaskStore) -> None:
    """To read the record ends with an error that names it, and takes little memory."""
    before = psutil.Process().memory_info().rss
    with pytest.raises(MaskStoreError, match=KEY):
        store.read(KEY)
    with suppress(MaskStoreError):  # which leaves scores and logits alone
        store.layers(KEY)
    assert psutil.Process().memory_info().rss - before < 500e6


def claim(header: dict[str, Any], array: str, **changes: Any) -> None:
    """Let a record claim something else of one of its arrays."""
    fields = ("name", "dtype", "shape", "codec", "length", "checksum")
    for row in header["arrays"]:
        if row[0] == array:
            for field, value in changes.items():
                row[fields.index(field)] = value


@pytest.mark.parametrize(
    "change",
    [
        lambda h: claim(h, "mask_layers", shape=[1 << 40]),
        lambda h: claim(h, "run_steps", shape=[2, -1]),
        lambda h: claim(h, "run_steps", shape="2"),
        lambda h: claim(h, "run_steps", dtype="O"),
        lambda h: claim(h, "run_steps", dtype="<M8[ns]"),
        lambda h: claim(h, "run_steps", codec="lzma"),
        lambda h: claim(h, "run_steps", length=1 << 62),
        lambda h: claim(h, "run_counts", length=None),
        lambda h: claim(h, "scores", name="other"),
        lambda h: claim(h, "cell_steps", name="other"),
        lambda h: h.update(arrays=None),
        lambda h: h.update(arrays=[[]]),
        lambda h: h.update(arrays={}),
        lambda h: h.pop("arrays"),
        lambda h: h.update(size=[1 << 20, 1 << 20]),
        lambda h: h.update(size=[32]),
        lambda h: h.update(size=None),
        lambda h: h.update(cells=[1 << 30, 1 << 30]),
        lambda h: h.update(cells=[]),
        lambda h: h.update(cells=[1] * 100_000, masks=[1] * 100_000),
        lambda h: h.update(masks=[-1, 3]),
        lambda h: h.update(masks=[True, 3]),
        lambda h: h.update(masks=[1.5, 3]),
        lambda h: h.update(masks="12"),
        lambda h: h.update(key="../../elsewhere"),
    ],
)
def test_a_header_that_lies_is_refused(store: MaskStore, change: Callable[..., None]) -> None:
    path = store.path(KEY)
    header, rest = split(path.read_bytes())
    change(header)
    path.write_bytes(join(header, rest))
    is_refused(store)


@pytest.mark.parametrize("header", [[], None, "text", 3, {}])
def test_a_header_of_another_kind_is_refused(store: MaskStore, header: object) -> None:
    store.path(KEY).write_bytes(join(header, b""))
    is_refused(store)


def test_nesting_without_end_is_refused(store: MaskStore) -> None:
    text = b"[" * 200_000
    store.path(KEY).write_bytes(
        b"".join([_MAGIC, _LENGTHS.pack(len(text), zlib.crc32(text)), text])
    )
    is_refused(store)


def replace_array(store: MaskStore, name: str, array: np.ndarray) -> None:
    """Write another array of the same name, with all that belongs to it, into the record."""
    path = store.path(KEY)
    header, rest = split(path.read_bytes())
    parts, place = [], 0
    for row in header["arrays"]:
        part = rest[place : place + row[4]]
        place += row[4]
        if row[0] == name:
            part = zlib.compress(array.tobytes(), 9)
            dtype = array.dtype.newbyteorder("<").str
            row[1:] = [dtype, list(array.shape), "zlib", len(part), zlib.crc32(part)]
        parts.append(part)
    path.write_bytes(join(header, b"".join(parts)))


def test_a_small_file_of_many_layers_takes_no_gigabytes(store: MaskStore) -> None:
    header, _ = split(store.path(KEY).read_bytes())
    layers = np.full(sum(header["masks"]), 1 << 20, np.uint32)
    replace_array(store, "mask_layers", layers)
    is_refused(store)


@pytest.mark.parametrize("name", ["run_steps", "cell_steps", "scores", "run_counts"])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(store: MaskStore, name: str) -> None:
    replace_array(store, name, np.zeros(600 << 20, np.uint8))
    assert store.path(KEY).stat().st_size < 1e6
    is_refused(store)


def test_a_mask_of_a_cell_that_is_not_there_is_refused(store: MaskStore) -> None:
    header, _ = split(store.path(KEY).read_bytes())
    row = next(row for row in header["arrays"] if row[0] == "cell_steps")
    replace_array(store, "cell_steps", np.full(row[2], 60_000, np.uint16))
    is_refused(store)


def test_a_thousand_changes_are_either_harmless_or_told(store: MaskStore) -> None:
    """Bytes of the header and of the arrays, with checksums that fit."""
    dice = random.Random(0)  # noqa: S311  # not for secrets
    path = store.path(KEY)
    whole = path.read_bytes()
    header, rest = split(whole)
    text = json.dumps(header)
    alphabet = '0123456789-[]{}",:.eE<|uif nulltrue'
    for _ in range(1000):
        changed = list(text)
        for _ in range(dice.randint(1, 3)):
            changed[dice.randrange(len(changed))] = dice.choice(alphabet)
        told = "".join(changed).encode()
        head = [_MAGIC, _LENGTHS.pack(len(told), zlib.crc32(told)), told]
        path.write_bytes(b"".join([*head, rest]))
        for read in (store.read, store.layers, store.describe):
            with suppress(MaskStoreError):
                read(KEY)


@pytest.mark.parametrize("key", ["../../elsewhere", "/elsewhere", "", "A" * 64, "0" * 63])
def test_what_is_no_key_is_no_place(store: MaskStore, key: str) -> None:
    masks = store.read(KEY)
    for use in (store.path, store.read, lambda key: store.write(key, "a.png", masks)):
        with pytest.raises(ValueError, match="is no key of an image"):
            use(key)
